"""Step-up by face: a living person against the portrait that the records give at this moment, for one transaction."""
