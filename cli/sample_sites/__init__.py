"""A sample of the web on this machine: made-up companies under `.example`, good, odd and hostile ones.

`companies/*.toml` say what each company shows and what a correct report says of it, `layouts/` how its
pages look; `server` serves them, `truth` hands out the list to submit and the answers to compare with.
"""
