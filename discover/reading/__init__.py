"""Reading a rule: what a candidate is, as text, as Markdown and as a page of HTML."""
