"""The inner loop: lifetimes, in which an agent learns from scratch, and populations of them."""
