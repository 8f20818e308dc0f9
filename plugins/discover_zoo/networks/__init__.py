"""Networks: feed-forward and recurrent, a file for each; what they share is in `layers`, `torso` and `recurrent`."""
