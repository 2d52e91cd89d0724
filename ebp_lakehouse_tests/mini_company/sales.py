"""Thirty-two sale documents: SaleDocument, SaleDocumentLine, their links and what hangs on them.

`document` gives a header: HT of the lines, what the footer takes and adds, VAT. `line` gives quantity, price, net and cost.
Each sale is told in docs/mini-company.md under the same number.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ebp_lakehouse_tests.mini_company.rows import EARLY, Row, captured, money

QUOTE, INVOICE, CREDIT_NOTE, DEPOSIT_INVOICE, DELIVERY, RETURN, ORDER, UNKNOWN_KIND = 1, 2, 3, 4, 6, 7, 8, 42
ITEM, BUNDLE, TEXT = 2, 3, 9  # line types
RATES = {"v20": Decimal("0.20"), "v5": Decimal("0.055"), "v0": Decimal(0)}
COSTS = {"A1": 6, "A2": 60, "B1": 30, "E1": 700, "I1": 12}
CENT = Decimal("0.01")

BOURG = {"DeliveryAddress_ZipCode": "01000", "DeliveryAddress_City": "Bourg-en-Bresse"}
MACON = {"DeliveryAddress_ZipCode": "71000", "DeliveryAddress_City": "Mâcon"}
AJACCIO = {"DeliveryAddress_ZipCode": "20000", "DeliveryAddress_City": "AJACCIO CEDEX 1"}
ANNECY = {"DeliveryAddress_ZipCode": "74000", "DeliveryAddress_City": "Annecy"}


def document(
    number: str, kind: int, day: str, customer: str, lines: float, vat: float, *,
    footer: float = 0, shipping: float = 0, ecotax: float = 0, escompte: float = 0, deposit: float = 0, **others: Any,
) -> Row:  # fmt: skip
    """A header: HT of the lines − footer discount + shipping + eco-contribution; TTC = that − escompte + VAT."""
    discounted = money(lines) - money(footer)
    total = discounted + money(shipping) + money(ecotax)
    incl_tax = total - money(escompte) + money(vat)
    return {
        "Id": number, "DocumentNumber": number, "DocumentType": kind, "DocumentDate": day, "CustomerId": customer,
        "ColleagueId": "JD", "VatId": "v20", "ShippingVatId": "v20", "StorehouseId": "DEP",
        "AmountVatExcluded": money(lines), "DiscountAmount": money(footer), "AmountVatExcludedWithDiscount": discounted,
        "ShippingAmountVatExcluded": money(shipping), "EcotaxAmountVatExcluded": money(ecotax),
        "AmountVatExcludedWithDiscountAndShipping": total, "FinancialDiscountAmount": money(escompte),
        "VatAmount": money(vat), "AmountVatIncluded": incl_tax, "DepositAmount": money(deposit),
        "TotalDueAmount": incl_tax - money(deposit), "CommitmentsBalanceDue": 0, **others,
    }  # fmt: skip


def line(
    document_number: str, order: int, item: str | None, quantity: float, price: float, net: float | None = None, *,
    before_footer: float | None = None, vat: str = "v20", **others: Any,
) -> Row:  # fmt: skip
    """A line: net HT = quantity × price unless said otherwise; `before_footer` is the net before the footer discount."""
    amount = money(quantity) * money(price) if net is None else money(net)
    tax = (amount * RATES[vat]).quantize(CENT, ROUND_HALF_UP)
    return {
        "Id": f"{document_number}-{order}", "DocumentId": document_number, "LineOrder": order, "LineType": ITEM,
        "ItemId": item, "VatId": vat, "Quantity": money(quantity), "RealQuantity": money(quantity),
        "SalePriceVatExcluded": money(price), "CostPrice": COSTS.get((item or "").strip().upper(), 0),
        "RealNetAmountVatExcluded": amount if before_footer is None else money(before_footer),
        "RealNetAmountVatExcludedWithDiscount": amount, "RealNetAmountVatIncludedWithDiscount": amount + tax, **others,
    }  # fmt: skip


def transfer(origin: str, target: str, quantity: float, **others: Any) -> Row:
    """A line link: `quantity` of the origin line went into the target line."""
    return {
        "Id": f"{origin}>{target}", "OriginLineId": origin, "TransferedLineId": target,
        "OriginDocumentId": origin[:8], "TransferedDocumentId": target[:8],
        "Quantity": money(quantity), "RealQuantity": money(quantity), **others,
    }  # fmt: skip


POSTED = {"ValidationState": 3}
EXEMPT = {"VatId": "v0"}
DEAL = {"DealId": "D1"}


def on_collection(vat: float, row: int = 0) -> Row:
    """VAT of services, due when the document is paid; in which row of EBP's breakdown."""
    return {f"DetailVatAmount{row}_VatAmountOnCollection": money(vat)}


# fmt: off
DOCUMENTS: list[Row] = [
    # Before the twelve months: an orphan customer code, and the year before of C001.
    document("FA220001", INVOICE, "2022-06-01", "GONE", 100, 20, xx_Regul_CA=5, xx_Regul_Marge=2, **POSTED),
    document("FA240001", INVOICE, "2024-11-15", "C001", 200, 40, **BOURG, **POSTED),
    document("FA250001", INVOICE, "2025-06-10", "C002", 100, 20, **AJACCIO, **POSTED),
    # 1. Quote → order → two deliveries → one grouped invoice with port.
    *captured(EARLY,
        document("DE260001", QUOTE, "2026-01-05", "C001", 100, 20, **BOURG),
        document("CM260001", ORDER, "2026-01-10", "C001", 100, 20, DeliveryDate="2026-01-20", **BOURG),
        document("BL260001", DELIVERY, "2026-01-15", "C001", 60, 12, **BOURG),
        document("BL260002", DELIVERY, "2026-01-22", "C001", 40, 8, **BOURG),
        document("FA260001", INVOICE, "2026-01-31", "C001", 100, 22.4, shipping=12, CommitmentsBalanceDue=134.4, **BOURG),
    ),
    document("FA260001", INVOICE, "2026-01-31", "C001", 100, 22.4, shipping=12, **BOURG, **POSTED),
    # 2. A quote that is lost.
    document("DE260002", QUOTE, "2026-01-06", "P001", 200, 40, ValidityDate="2026-02-06"),
    # 3. A quote in two revisions, a deposit, and the invoice straight from the quote; somebody else pays.
    document("DE260003", QUOTE, "2026-02-02", "C004", 1150, 230, Revision="A", **DEAL, **ANNECY),
    document("DE260004", QUOTE, "2026-02-04", "C004", 1100, 220, Revision="B", **DEAL, **ANNECY),
    document("FD260001", DEPOSIT_INVOICE, "2026-02-05", "C004", 250, 50, **DEAL, **ANNECY),
    document("FA260004", INVOICE, "2026-02-20", "C004", 1100, 222, ecotax=10, deposit=300, PaymentThirdId="C005", **DEAL, **ANNECY,
             **on_collection(30), xx_Satisf_Dte_Envoi="2026-02-25"),
    # 4. Bundle, option, free text, text and subtotal; the code as somebody typed it; not posted, not paid.
    document("FA260002", INVOICE, "2026-02-10", "c002 ", 55, 11, CommitmentsBalanceDue=66, **AJACCIO),
    # 5. Line discount, footer discount with a line excluded from it, two VAT rates; paid in part and by set-off.
    document("FA260003", INVOICE, "2026-02-16", "C001", 280, 37.9, footer=18, CommitmentsBalanceDue=175.9, **MACON, **POSTED,
             xx_Satisf_Dte_Envoi="2026-02-20", xx_Satisf_Dte_Retour="2026-03-04",
             DetailVatAmount0_DetailVatRate=20, DetailVatAmount0_DetailVatAmount=32.4,
             DetailVatAmount1_DetailVatRate=5.5, DetailVatAmount1_DetailVatAmount=5.5, **on_collection(5.5, 1)),
    # 6. Financial discount (escompte).
    document("FA260005", INVOICE, "2026-03-02", "C001", 100, 19.6, escompte=2, **MACON, **POSTED,
             xx_Satisf_Dte_Envoi="2026-03-10", xx_Satisf_Dte_Retour="2026-04-02"),
    # 7. Credit notes: linked, with a line of the other sign; unlinked, price only; linked by its text and stored negative.
    document("AV260001", CREDIT_NOTE, "2026-03-05", "C001", 20, 4, **MACON),
    document("AV260002", CREDIT_NOTE, "2026-03-09", "C002", 15, 3, CommitmentsBalanceDue=18, **AJACCIO),
    document("AV260003", CREDIT_NOTE, "2026-03-12", "C002", -10, -2, CommitmentsBalanceDue=-12, OriginDocumentNumber="FA260002", **AJACCIO),
    # 8. Entered with tax; rounding and a free good; no address at all, under a code that was renamed since.
    document("FA260006", INVOICE, "2026-03-06", "C003", 24.98, 4.99, PriceWithTaxBased=True),
    document("FA260007", INVOICE, "2026-03-09", "C003B", 2, 0.4),
    # 9. Exempt, doubtful.
    document("FA260008", INVOICE, "2026-03-16", "C002", 100, 0, CommitmentsBalanceDue=100, **AJACCIO, **EXEMPT),
    # 10. Contract fee and a stocked item without cost; not due yet.
    document("FA260009", INVOICE, "2026-03-20", "C004", 340, 68, CommitmentsBalanceDue=408, PaymentThirdId="C005",
             MaintenanceContractId="K1", **ANNECY, **on_collection(48)),
    # 11. An open order, late; its delivery is not invoiced yet; a code that no item has.
    document("CM260002", ORDER, "2026-03-10", "C001", 200, 40, DeliveryDate="2026-03-20", **MACON),
    document("BL260003", DELIVERY, "2026-03-18", "C001", 65, 13, **MACON),
    # 12. Below cost, on the last day.
    document("FA260010", INVOICE, "2026-03-31", "C001", 5, 1, CommitmentsBalanceDue=6, **MACON),
    # 13. Never revenue: unknown kind, returns (the second one became AV260003), model of a periodic invoice, held ticket; and one dated years ahead.
    document("XX260001", UNKNOWN_KIND, "2026-03-01", "C001", 10000, 2000, **MACON),
    document("BR260001", RETURN, "2026-03-03", "C001", -10, -2, **MACON),
    document("BR260002", RETURN, "2026-03-11", "C002", -10, -2, **AJACCIO),
    document("MO260001", INVOICE, "2026-03-01", "C001", 77, 15.4, **MACON),
    document("TI260001", INVOICE, "2026-03-01", "C001", 999, 199.8, **MACON),
    document("FA310001", INVOICE, "2031-12-24", "C001", 30, 6, CommitmentsBalanceDue=36, **MACON),
]

LINES: list[Row] = [
    line("FA220001", 1, "A1", 10, 10),
    line("FA240001", 1, "A1", 20, 10),
    line("FA250001", 1, "A2", 1, 100),
    *captured(EARLY,
        line("DE260001", 1, "A1", 10, 10),
        line("CM260001", 1, "A1", 10, 10, DeliveryDate="2026-01-25"),
        line("BL260001", 1, "a1 ", 6, 10),
        line("BL260002", 1, "A1", 4, 10),
        line("FA260001", 1, "A1", 6, 10),
        line("FA260001", 2, "A1", 4, 10),
    ),
    line("DE260002", 1, "S1", 4, 50),
    line("DE260003", 1, "E1", 1, 1000),
    line("DE260003", 2, "S1", 3, 50),
    line("DE260004", 1, "E1", 1, 1000, 950),
    line("DE260004", 2, "S1", 3, 50),
    line("FD260001", 1, None, 1, 250),
    line("FA260004", 1, "E1", 1, 1000, 950),
    line("FA260004", 2, "S1", 3, 50),
    line("FA260002", 1, "B1", 1, 50, LineType=BUNDLE),
    line("FA260002", 2, "A1", 2, 10, LineType=BUNDLE, NomenclatureLevel=1, ParentLineId="FA260002-1", TopParentLineId="FA260002-1"),
    line("FA260002", 3, "A1", 3, 10, NomenclatureLevel=1, ParentLineId="FA260002-1", TopParentLineId="FA260002-1"),
    line("FA260002", 4, None, 1, 5),
    line("FA260002", 5, "A2", 1, 999, NotIncluded=True),
    line("FA260002", 6, None, 0, 0, LineType=TEXT),
    line("FA260002", 7, None, 1, 55, LineType=TEXT),
    line("FA260003", 1, "A2", 2, 100, 162, before_footer=180),
    line("FA260003", 2, "I1", 5, 20, vat="v5", ExcludedFromFootDiscount=True),
    line("FA260005", 1, "A1", 6, 10),
    line("FA260005", 2, "A1", 4, 10),
    line("AV260001", 1, "A1", 3, 10),
    line("AV260001", 2, "A1", -1, 10),
    line("AV260002", 1, None, 1, 15),
    line("AV260003", 1, "A1", -1, 10),
    line("FA260006", 1, "A1", 3, 8.325, 24.98, RealNetAmountVatIncludedWithDiscount=29.97),
    line("FA260007", 1, "S1", 3, 0.333),
    line("FA260007", 2, "S1", 3, 0.333),
    line("FA260007", 3, "A1", 2, 10, 0, FreePercentage=100),
    line("FA260008", 1, "A2", 1, 100, vat="v0"),
    line("FA260009", 1, "CM1", 1, 240),
    line("FA260009", 2, "A2", 1, 100, CostPrice=0, PurchasePrice=55),
    line("CM260002", 1, "A1", 20, 10, RemainingQuantityToDeliver=15, RemainingQuantityToInvoice=20),
    line("BL260003", 1, "A1", 5, 10, RemainingQuantityToInvoice=5),
    line("BL260003", 2, "OLD", 1, 15),
    line("FA260010", 1, "A1", 1, 10, 5),
    line("XX260001", 1, "A1", 1000, 10),
    line("BR260001", 1, "A1", -1, 10),
    line("BR260002", 1, "A1", -1, 10),
    line("MO260001", 1, "S1", 1, 77),
    line("TI260001", 1, "S1", 1, 999),
    line("FA310001", 1, "A1", 3, 10),
]

LINKS: list[Row] = [
    *captured(EARLY,
        transfer("DE260001-1", "CM260001-1", 10),
        transfer("CM260001-1", "BL260001-1", 6),
        transfer("CM260001-1", "BL260002-1", 4),
        transfer("BL260001-1", "FA260001-1", 6),
        transfer("BL260002-1", "FA260001-2", 4),
    ),
    transfer("DE260004-1", "FA260004-1", 1),
    transfer("DE260004-2", "FA260004-2", 3),
    transfer("CM260002-1", "BL260003-1", 5),
    transfer("BL260002-1", "BR260001-1", 1),
    transfer("BR260002-1", "AV260003-1", 1),
    # A customer order that made a supplier order: no transfer.
    transfer("CM260002-1", "PC260003-1", 3, IsCountermark=True),
]

TABLES: dict[str, list[Row]] = {
    "SaleDocument": DOCUMENTS,
    "SaleDocumentEx": [{"Id": "TI260001", "IsTemporary": True}],
    "SaleDocumentLine": LINES,
    "DocumentLineAssociation": LINKS,
    "SaleCreditMemoOrigin": [{"Id": 1, "CreditMemoId": "AV260001", "InvoiceNumber": "FA260001", "InvoiceDate": "2026-01-31"}],
    "PeriodicInvoicing": [
        {"Id": "P1", "ReferenceDocumentId": "MO260001"},
        {"Id": "P2", "Periodicity_Type": 3, "Periodicity_UserIncrement": 3},  # of contract K2, quarterly
    ],
}
# fmt: on
