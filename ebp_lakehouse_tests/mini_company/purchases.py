"""What the company buys: orders, receipts, a return, invoices, a credit note, and what it owes to its two suppliers."""

from __future__ import annotations

from typing import Any

from ebp_lakehouse_tests.mini_company.payments import assignment, commitment
from ebp_lakehouse_tests.mini_company.rows import Row, money
from ebp_lakehouse_tests.mini_company.sales import CREDIT_NOTE, DELIVERY, INVOICE, ORDER, RETURN, transfer


def document(number: str, kind: int, day: str, supplier: str, net: float, **others: Any) -> Row:
    """A header without discounts: VAT 20 % on `net`."""
    vat = money(net) * money("0.2")
    return {
        "Id": number, "DocumentNumber": number, "DocumentType": kind, "DocumentDate": day, "SupplierId": supplier, "VatId": "v20",
        "AmountVatExcluded": money(net), "AmountVatExcludedWithDiscount": money(net),
        "AmountVatExcludedWithDiscountAndShipping": money(net), "VatAmount": vat, "AmountVatIncluded": money(net) + vat,
        "TotalDueAmount": money(net) + vat, "CommitmentsBalanceDue": 0, "StorehouseId": "DEP", **others,
    }  # fmt: skip


def line(number: str, item: str, quantity: float, price: float, **others: Any) -> Row:
    net = money(quantity) * money(price)
    return {
        "Id": f"{number}-1", "DocumentId": number, "LineOrder": 1, "LineType": 2, "ItemId": item, "VatId": "v20",
        "Quantity": money(quantity), "RealQuantity": money(quantity), "PriceVatExcluded": money(price), "PurchasePrice": money(price),
        "SalePurchaseConversionRate": 1, "RealNetAmountVatExcluded": net, "RealNetAmountVatExcludedWithDiscount": net,
        "RealNetAmountVatIncludedWithDiscount": net * money("1.2"), **others,
    }  # fmt: skip


# fmt: off
TABLES: dict[str, list[Row]] = {
    "PurchaseDocument": [
        # On time and in full.
        document("PC260001", ORDER, "2026-01-12", "F1", 285, DeliveryDate="2026-01-19"),
        document("PR260001", DELIVERY, "2026-01-19", "F1", 285),
        document("PF260001", INVOICE, "2026-01-31", "F1", 285, Reference="R-1"),
        # Dearer, late and short, then complete; two pieces returned, credited.
        document("PC260002", ORDER, "2026-02-03", "F1", 250, DeliveryDate="2026-02-10"),
        document("PR260002", DELIVERY, "2026-02-12", "F1", 187.5),
        document("PR260003", DELIVERY, "2026-02-20", "F1", 62.5),
        document("PT260001", RETURN, "2026-02-25", "F1", 12.5),
        document("PF260002", INVOICE, "2026-02-28", "F1", 250, CommitmentsBalanceDue=300, Reference="R-2"),
        document("PA260001", CREDIT_NOTE, "2026-03-10", "F1", 12.5, CommitmentsBalanceDue=15, Reference="R-3"),
        # Nothing says when it was promised but the supplier's delay of 14 days; still open. The next one is due in April.
        document("PC260003", ORDER, "2026-03-01", "F2", 180),
        document("PC260004", ORDER, "2026-03-25", "F2", 700, DeliveryDate="2026-04-10"),
        # An invoice without receipt, and the same invoice of the supplier entered once more.
        document("PF260003", INVOICE, "2026-03-05", "F2", 690, CommitmentsBalanceDue=828, Reference="T-77", DealId="D1"),
        document("PF260004", INVOICE, "2026-03-06", "F2", 690, CommitmentsBalanceDue=828, Reference="T-77"),
    ],
    "PurchaseDocumentLine": [
        line("PC260001", "A1", 50, 5.7), line("PR260001", "A1", 50, 5.7), line("PF260001", "A1", 50, 5.7),
        line("PC260002", "A1", 40, 6.25), line("PR260002", "A1", 30, 6.25), line("PR260003", "A1", 10, 6.25),
        line("PT260001", "A1", 2, 6.25), line("PF260002", "A1", 40, 6.25), line("PA260001", "A1", 2, 6.25),
        line("PC260003", "A2", 3, 60), line("PC260004", "E1", 1, 700),
        line("PF260003", "E1", 1, 690, DealId="D1"), line("PF260004", "E1", 1, 690),
    ],
    "DocumentLineAssociation": [
        transfer("PC260001-1", "PR260001-1", 50), transfer("PR260001-1", "PF260001-1", 50),
        transfer("PC260002-1", "PR260002-1", 30), transfer("PC260002-1", "PR260003-1", 10),
        transfer("PR260002-1", "PF260002-1", 30), transfer("PR260003-1", "PF260002-1", 10),
        transfer("PR260002-1", "PT260001-1", 2), transfer("PT260001-1", "PA260001-1", 2),
    ],
    "PurchaseCommitment": [
        commitment("q1", "PF260001", "F1", "2026-03-02", 342),
        commitment("q2", "PF260002", "F1", "2026-03-30", 300, 300),
        commitment("q3", "PA260001", "F1", "2026-03-10", 15, 15, DocumentType=3),
        commitment("q4", "PF260003", "F2", "2026-04-04", 828, 828),
        commitment("q5", "PF260004", "F2", "2026-04-05", 828, 828),
    ],
    "PurchaseSettlement": [
        {"Id": "p1", "ThirdId": "F1", "SettlementDate": "2026-03-02", "Amount": 342, "PaymentTypeId": "VIR"},
    ],
    "PurchaseSettlementCommitmentAssociation": [assignment("p1", "q1", 342)],
}
# fmt: on
