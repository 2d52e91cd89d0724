"""Twenty documents of a company small enough to work every figure by hand.

Each row names only the columns that matter. The figures that tests expect are in the comments here, not computed.
Amounts: `header` gives HT, VAT and TTC of a document; `line` gives quantity x price less discounts.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

EARLY = "2026-02-01 06:00:00"  # captured before the others: what was known in February


def header(document: str, kind: int, day: str, customer: str, net: float, vat: float, **others: Any) -> Row:
    return {
        "Id": document,
        "DocumentNumber": document.upper(),
        "DocumentType": kind,
        "DocumentDate": day,
        "CustomerId": customer,
        "ColleagueId": "JD",
        "VatId": "v20",
        "AmountVatExcluded": net,
        "AmountVatExcludedWithDiscount": net,
        "AmountVatExcludedWithDiscountAndShipping": net,
        "VatAmount": vat,
        "AmountVatIncluded": net + vat,
        "CommitmentsBalanceDue": net + vat,
        **others,
    }


def line(document: str, number: int, item: str | None, quantity: float, price: float, **others: Any) -> Row:
    net = quantity * price
    return {
        "Id": f"{document}-{number}",
        "DocumentId": document,
        "LineOrder": number,
        "LineType": 2,
        "ItemId": item,
        "VatId": "v20",
        "Quantity": quantity,
        "RealQuantity": quantity,
        "SalePriceVatExcluded": price,
        "CostPrice": 6 if item == "A1" else 0,
        "RealNetAmountVatExcluded": net,
        "RealNetAmountVatExcludedWithDiscount": net,
        "RealNetAmountVatIncludedWithDiscount": round(net * 1.2, 2),
        **others,
    }


def transfer(origin: str, target: str, quantity: float, **others: Any) -> Row:
    return {
        "Id": f"{origin}>{target}",
        "OriginLineId": origin,
        "TransferedLineId": target,
        "RealQuantity": quantity,
        **others,
    }


# fmt: off
DOCUMENTS = [
    # One sale four times: quote → order → delivery of 6 out of 10 → invoice of the 6 with 12 of port: 72 HT, 14.40 VAT.
    header("de1", 1, "2026-01-05", "C001", 100, 20, _bronze_valid_from=EARLY),
    header("cm1", 8, "2026-01-10", "C001", 100, 20, _bronze_valid_from=EARLY),
    header("bl1", 6, "2026-01-15", "C001", 60, 12, _bronze_valid_from=EARLY),
    header(
        "fa1", 2, "2026-01-20", "C001", 72, 14.4,
        AmountVatExcludedWithDiscount=60, ShippingAmountVatExcluded=12, ValidationState=3, _bronze_valid_from=EARLY,
    ),
    # The same invoice a month later: paid.
    header(
        "fa1", 2, "2026-01-20", "C001", 72, 14.4,
        AmountVatExcludedWithDiscount=60, ShippingAmountVatExcluded=12, ValidationState=3, CommitmentsBalanceDue=0,
    ),
    # Bundle at 50 (its components are not added), free text at 5, an option of 999 that does not count: 55 HT, unpaid.
    header("fa2", 2, "2026-03-05", "c001 ", 55, 11),
    # Credit note stored positive, with a line of the other sign: 30 - 10 = 20 → -20.
    header("av1", 3, "2026-03-10", "C001", 20, 4, CommitmentsBalanceDue=0),
    # 2 x 25, 10 % off the line = 45, footer discount 5 spread by EBP = 40; written off.
    header(
        "fa3", 2, "2026-03-06", "C002", 40, 8,
        AmountVatExcluded=45, DiscountAmount=5, AmountVatExcludedWithDiscount=40, CommitmentsBalanceDue=0,
    ),
    # Escompte 2 on 100: revenue stays 100, VAT on 98 = 19.60, TTC 117.60.
    header("fa4", 2, "2026-03-07", "C002", 100, 19.6, FinancialDiscountAmount=2, AmountVatIncluded=117.6),
    # Unknown customer and unknown item codes keep their figures: 15.
    # Its management corrections (+5 of revenue, +2 of margin) count only where the parameter says so.
    header("fa5", 2, "2026-03-08", "GONE", 15, 3, xx_Regul_CA=5, xx_Regul_Marge=2),
    # Typed for next Christmas: 30, in silver but not in computed attributes.
    header("fa6", 2, "2026-12-24", "C001", 30, 6),
    # Rounding: 3 x 0.333 = 0.999 per line in the lines, 2.00 in the header: 0.002 more on the first line.
    header("fa7", 2, "2026-03-09", "C003", 2, 0.4),
    # Never revenue: deposit invoice, unknown kind, return, a model of periodic invoicing, a held ticket.
    header("fd1", 4, "2026-03-01", "C001", 500, 100),
    header("xx1", 42, "2026-03-01", "C001", 10000, 2000),
    header("br1", 7, "2026-03-02", "C001", -10, -2),
    header("mo1", 2, "2026-03-01", "C001", 77, 15.4),
    header("ti1", 2, "2026-03-01", "C001", 999, 199.8),
]

LINES = [
    line("de1", 1, "A1", 10, 10, _bronze_valid_from=EARLY),
    line("cm1", 1, "A1", 10, 10, _bronze_valid_from=EARLY, RemainingQuantityToDeliver=4),
    line("bl1", 1, "a1 ", 6, 10, _bronze_valid_from=EARLY),
    line("fa1", 1, "A1", 6, 10, _bronze_valid_from=EARLY),
    line("fa2", 1, "B1", 1, 50, LineType=3, CostPrice=30),
    line("fa2", 2, "A1", 2, 10, LineType=3, NomenclatureLevel=1, ParentLineId="fa2-1", TopParentLineId="fa2-1"),
    line("fa2", 3, "A1", 3, 10, LineType=2, NomenclatureLevel=1, ParentLineId="fa2-1", TopParentLineId="fa2-1"),
    line("fa2", 4, None, 1, 5),
    line("fa2", 5, "A1", 1, 999, NotIncluded=True),
    line("fa2", 6, None, 0, 0, LineType=9),
    line("av1", 1, "A1", 3, 10),
    line("av1", 2, "A1", -1, 10),
    line(
        "fa3", 1, "A1", 2, 25,
        RealNetAmountVatExcluded=45, RealNetAmountVatExcludedWithDiscount=40, RealNetAmountVatIncludedWithDiscount=48,
    ),
    line("fa4", 1, "A1", 10, 10, ColleagueId="XX"),
    line("fa5", 1, "OLD", 1, 15),
    line("fa6", 1, "A1", 3, 10),
    line("fa7", 1, "S1", 3, 0.333, PurchasePrice=0.1, RealNetAmountVatIncludedWithDiscount=1.2),
    line("fa7", 2, "S1", 3, 0.333, RealNetAmountVatIncludedWithDiscount=1.2),
    line("fd1", 1, None, 1, 500),
    line("xx1", 1, "A1", 1000, 10),
    line("br1", 1, "A1", -1, 10),
    line("mo1", 1, "A1", 7.7, 10),
    line("ti1", 1, "A1", 99.9, 10),
]
# fmt: on


def rows() -> dict[str, list[Row]]:
    """Table → rows, for mock_bronze.write_catalog."""
    return {
        "sale_document": DOCUMENTS,
        "sale_document_line": LINES,
        "sale_document_ex": [{"Id": "ti1", "IsTemporary": True}],
        "document_line_association": [
            transfer("de1-1", "cm1-1", 10, _bronze_valid_from=EARLY),
            transfer("cm1-1", "bl1-1", 6, _bronze_valid_from=EARLY),
            transfer("bl1-1", "fa1-1", 6, _bronze_valid_from=EARLY),
            transfer("fa2-1", "some-purchase-line", 1, IsCountermark=True),
        ],
        "sale_credit_memo_origin": [{"Id": 1, "CreditMemoId": "av1", "InvoiceNumber": "FA1", "InvoiceDate": "2026-01-20"}],
        "periodic_invoicing": [{"Id": "P1", "ReferenceDocumentId": "mo1"}],
        "sale_commitment": [
            {"Id": "k1", "DocumentId": "fa1", "Amount": 86.4, "BalanceDue": 0},
            {"Id": "k3", "DocumentId": "fa3", "Amount": 48, "LiquidationStateChangeDate": "2026-03-12"},
        ],
        "sale_settlement": [
            {"Id": "s1", "SettlementDate": "2026-02-10", "IsUnpaid": True},
            {"Id": "s2", "SettlementDate": "2026-02-20", "IsUnpaid": False},
        ],
        "sale_settlement_commitment": [
            {"Id": "a1", "SettlementId": "s1", "CommitmentId": "k1", "AssignedAmount": 86.4},
            {"Id": "a2", "SettlementId": "s2", "CommitmentId": "k1", "AssignedAmount": 86.4},
        ],
        "customer": [
            {
                "Id": "C001", "UniqueId": "u1", "Name": "  Dupont   SARL ", "FamilyId": "gc", "NaturalPerson": False,
                "MainInvoicingAddress_ZipCode": "1000", "MainInvoicingAddress_City": "Bourg-en-Bresse Cedex 9",
                "MainInvoicingContact_Phone": "04.74.00 00 01", "MainInvoicingContact_Email": "Compta@Dupont.FR; x@y.fr",
                "UseInvoicingAddressAsDeliveryAddress": True, "Siren": "732 829 320", "AllowedAmount": 500,
                "_bronze_valid_from": "2026-01-10 06:00:00",
            },
            {
                "Id": "C001", "UniqueId": "u1", "Name": "Dupont SARL", "FamilyId": "PME", "NaturalPerson": False,
                "MainInvoicingAddress_ZipCode": "01000", "MainInvoicingAddress_City": "BOURG-EN-BRESSE",
                "MainInvoicingContact_Phone": "0474000001", "MainInvoicingContact_Email": "compta@dupont.fr",
                "UseInvoicingAddressAsDeliveryAddress": True, "Siren": "732829320", "AllowedAmount": 1000,
                "_bronze_valid_from": "2026-02-15 06:00:00",
            },
            {
                "Id": "C002", "Name": "Martin", "NaturalPerson": True, "FamilyId": "XX",
                "MainDeliveryAddress_ZipCode": "20000", "MainDeliveryAddress_City": "AJACCIO", "MainDeliveryAddress_CodeINSEE": "2A004",
                "MainDeliveryAddress_Latitude": 0, "MainDeliveryAddress_Longitude": 0, "Siren": "732829321",
            },
            {"Id": "C003", "UniqueId": "u3", "Name": "Old code", "_bronze_valid_from": EARLY},
            {"Id": "C003", "UniqueId": "u3", "Name": "Old code", "_bronze_is_deleted": True},
            {"Id": "C003B", "UniqueId": "u3", "Name": "Old code"},
            {"Id": "P001", "Name": "Prospect"},
        ],
        "customer_family": [{"Id": "GC", "Caption": "Grands comptes"}, {"Id": "PME", "Caption": "PME"}],
        "item": [
            {"Id": "A1", "Caption": "Article", "ManageStock": True, "SalePriceVatExcluded": 10, "CostPrice": 6},
            {"Id": "S1", "Caption": "Service", "IsSubscription": True, "SalePriceVatExcluded": 0},
            {"Id": "B1", "Caption": "Lot", "ManageStock": True, "SalePriceVatExcluded": 50, "CostPrice": 30},
        ],
        "item_component": [{"Id": "n1", "ParentItemId": "b1", "ItemId": "A1", "Quantity": 5}],
        "vat": [{"Id": "v20", "Rate": 20}],
        # EBP's index 0 is a Sunday here: nobody works on 0 and 6. Seven hours a day, three and a half on Wednesday (3).
        "colleague": [
            {
                "Id": "JD", "Contact_Name": "Durand", "IsSalesperson": True, "Contact_CellPhone": "06 00 00 00 01",
                **{f"DaySchedule{k}_Customize": True for k in range(7)},
                **{f"DaySchedule{k}_Active": 1 <= k <= 5 for k in range(7)},
                **{f"DaySchedule{k}_Duration": 3.5 if k == 3 else 7 for k in range(7)},
            }
        ],
        "accounting_year": [{"Id": "y1", "StartingDate": "2025-07-01", "EndingDate": "2026-06-30"}],
    }  # fmt: skip
