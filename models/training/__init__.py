"""How the models that ship are trained, and retrained on a team's own calls.

``python -m models.training.stages``, ``.forbidden`` and ``.embeddings`` make the artifacts;
:func:`own_stages.retrain` is ``callaudit train stages``.
"""
