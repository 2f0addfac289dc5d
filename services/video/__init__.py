"""Looking at cameras: who may, why they did, for how long; and turning them (DOMAIN.md §6)."""
