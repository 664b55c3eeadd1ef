"""From what one machine measured to how many are needed: a queueing model, and a simulation to hold it to."""
