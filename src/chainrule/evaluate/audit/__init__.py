"""Does a model keep its promises?  Laws of a distribution, checked on any model that gives ``log_prob`` of rows.

Read ``record`` (a finding and its verdict), ``subject`` (what is asked of a model) with ``other_model`` (models that
are not ours), ``inquiry`` (what there is to ask with), then the laws: ``scoring``, ``mass``, ``factors``, ``averages``,
``holes``, ``sampling`` with ``blocks`` and ``tails``, ``calls``, ``held_out``; and ``laws``, the list of all of them.
"""
