"""Settlement, without a bus: awards and meters to charges, books, statements in versions, dues and cash-flow sheets."""

from .books import Books, ClearingAccount, Party, Transfer
from .dues import Due, Dues
from .flexibility import FlexibilityOrder
from .rules import ImbalancePrice, LossPayer, LossPrice, NetworkCharges, Receiver, SettlementRules
from .statements import Issue, Reconciliation, SettledInstance
from .states import ReconcileEvent, ReconcileState
from .two_settlement import DeliverySlot, Metered

__all__ = [
    "Books",
    "ClearingAccount",
    "DeliverySlot",
    "Due",
    "Dues",
    "FlexibilityOrder",
    "ImbalancePrice",
    "Issue",
    "LossPayer",
    "LossPrice",
    "Metered",
    "NetworkCharges",
    "Party",
    "Receiver",
    "ReconcileEvent",
    "ReconcileState",
    "Reconciliation",
    "SettledInstance",
    "SettlementRules",
    "Transfer",
]
