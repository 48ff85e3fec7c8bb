"""The words that every room shares: errors, input checks, numerics, units, records, the contract.

Import from the submodules (``chainrule.core.errors`` and so on); this file stays empty so that
``import chainrule`` stays light.
"""
