"""LiteLLM's proxy between the program and a Runs API, by its pass-through route, as README has it."""
