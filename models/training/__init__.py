"""How the models that ship are trained, and retrained on a team's own calls."""
