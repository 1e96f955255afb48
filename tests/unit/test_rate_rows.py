"""The rows of the programs: what ships, whose row is found, and what is refused by name."""

from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.rates import RATES_PATH, Rates, load_rates
from tests.oracle.events import T0_MS

BEFORE_MARCH_2021_MS = 1_616_630_399_999  # the last millisecond of 2021-03-24


def changed(tmp_path: Path, old: str, new: str) -> Rates:
    text = RATES_PATH.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "rates.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_rates(file)


def test_the_shipped_file_has_a_row_of_every_program() -> None:
    rates = load_rates()
    fees = rates.sale_fees(T0_MS, "US")
    assert fees is not None
    assert (fees.payment_bps, fees.referral_bps) == (200, 600)
    rose = rates.catalogue("5655", T0_MS, "US")
    assert rose is not None
    assert rose.coins == 1
    assert rates.catalogue("no such gift", T0_MS, "US") is None
    for found in (rates.fund, rates.affiliate, rates.brand):
        assert found(T0_MS, "US") is not None
    assert rates.payout(T0_MS, "USD") is not None
    assert rates.payout(T0_MS, "EUR") is None
    assert rates.commission("s", "p", T0_MS) is None


def test_the_fund_asked_the_us_for_fewer_views_until_march_2021() -> None:
    rates = load_rates()
    asked = [rates.fund(at, "US") for at in (BEFORE_MARCH_2021_MS, BEFORE_MARCH_2021_MS + 1)]
    assert [row.views_30d_min for row in asked if row] == [10_000, 100_000]


def test_a_region_has_its_own_fees_or_the_common_ones() -> None:
    rates = load_rates()
    found = [rates.sale_fees(T0_MS, region) for region in ("GB", "JP")]
    assert [row.version for row in found if row] == ["sale-GB-1", "sale-1"]


def test_a_product_has_its_own_commission_or_that_of_its_seller(tmp_path: Path) -> None:
    rows = "".join(
        f"""
[[commission]]
version = "{product}"
seller_id = "s"
product_id = "{product}"
valid_from = 2016-01-01T00:00:00Z
commission_bps = {bps}
source = "a test"
"""
        for product, bps in (("*", 1_100), ("p", 1_200))
    )
    rates = changed(tmp_path, "# Own sales:", f"{rows}\n# Own sales:")
    found = [rates.commission("s", product, T0_MS) for product in ("p", "q")]
    assert [row.commission_bps for row in found if row] == [1_200, 1_100]
    assert rates.commission("t", "p", T0_MS) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('zone = "UTC"', 'zone = "Mars/Base"', "pay_day_time_zone: Value error, 'Mars/Base' is no"),
        ('zone = "UTC"', 'zone = "../UTC"', "pay_day_time_zone: Value error, '../UTC' is no time"),
        ("daily_cap_micros", "weekly_cap", "payout[0].daily_cap_micros: Field required"),
        ("minimum_micros = 50_000_000", "minimum_micros = 0", "payout[0]: Value error, minimum"),
        ("referral_bps = 600", "referral_bps = 9_900", "sale_fees[0]: Value error, the fees add"),
        ('region = "GB"', 'region = "*"', "sale_fees, region *: sale-"),
        ("commission_bps = 1_000", "commission_bps = 10_001", "affiliate[0].commission_bps: Input"),
        ("quality_reference_ppm = 24_000", "quality_reference_ppm = 0", "creator_fund[0].quality_"),
        ("coins = 1\n", "coins = 0\n", "gift_catalogue[0].coins: Input should be greater"),
        ('gift_id = "6064"', 'gift_id = "5655"', "gift_catalogue, gift and region 5655 *: coins-"),
        ('name = "micro", followers_min = 10_000', 'name = "micro", followers_min = 0', "brand_"),
        ('["likes", "comments"', '["likes", "likes"', "brand_deal[0]: Value error, numerator"),
        ('["likes", "comments"', '["likes", "views"', "brand_deal[0].numerator[1]: Input should"),
        ("average_ppm = 47_000", "average_ppm = 99_000", "brand_deal[0].bands[0]: Value error, av"),
        ("factor_max_ppm = 1_000_000", "factor_max_ppm = 999_999", "creator_rewards[0]: Value err"),
        ('currency = "USD"', 'currency = "USX"', "gift[0].currency: Input should be 'USD'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        changed(tmp_path, old, new)
    assert str(error.value).removeprefix(f"{tmp_path / 'rates.toml'}: ").startswith(says)
