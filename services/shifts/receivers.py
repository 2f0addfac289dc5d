"""What the shift listens to; imported once, when all models are loaded."""

from linkage import sweeper
from services.shifts import contents, duties

contents.register()
sweeper.register_duty(duties.duties_end_forgotten)
