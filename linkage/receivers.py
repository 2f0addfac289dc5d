"""What linkage itself has the sweeper do; imported once, when all models are loaded."""

from linkage import standing, sweeper

sweeper.register_duty(standing.standings_note)
