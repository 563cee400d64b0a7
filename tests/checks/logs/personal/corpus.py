"""Texts as logs hold them, all invented: what must be found in each, and what must not be taken for anything.

The numbers of cards are those that the schemes publish for tests, those of people the examples of python-stdnum; hosts are under
`.example` (RFC 2606), secrets are put together here so that no other scanner takes this file for a leak.
"""

from __future__ import annotations

import json
from random import Random
from typing import Final
from urllib.parse import quote

JWT: Final = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ." + "eyJzdWIiOiI0NzExIn0." + "c2lnbmF0dXJlLW9mLW5vYm9keQ"
AWS_ID: Final = "ASIA" + "QWERTYUIOPASDFGH"
AWS_SECRET: Final = "invented/0123456789+abcdefghijklmnopqrst"
GITHUB: Final = "gho" + "_0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r"
STRIPE: Final = "rk_" + "live_51Invented0123456789"
KEY: Final = "-----BEGIN " + "RSA PRIVATE KEY-----\nSW52ZW50ZWQgYW5kIG5vIGtleSBhdCBhbGw=\n-----END " + "RSA PRIVATE KEY-----"

NUMBERS: Final = {
    "cccd": "079201012345", "cmnd": "079201012345", "can_cuoc": "001199000001", "thai_id": "3100600445635", "ssn": "536904399",
    "social_security": "536-90-4399", "sv_nr": "1237010180", "sozialversicherung": "1237010180", "rijksregister": "85.07.30-033.28",
    "insz": "85073003328", "niss": "85073003328", "egn": "7523169263", "rodne_cislo": "710319/2745", "steuer_id": "36574261809",
    "id_nr": "36574261809", "cpr": "211062-5629", "isikukood": "36805280109", "dni": "54362315K", "nie": "X2482300W", "hetu": "131052-308T",
    "henkilotunnus": "131052-308T", "nir": "295109912611193", "amka": "01013099997", "oib": "33392005961", "pps": "6433435F",
    "ppsn": "6433435OA", "codice_fiscale": "RCCMNL83S18D969H", "asmens_kodas": "33309240064", "personas_kods": "161175-19997",
    "bsn": "111222333", "burgerservice": "111222333", "pesel": "44051401359", "cartao_cidadao": "000000000ZZ4", "nif": "501964843",
    "cnp": "1630615123457", "personnummer": "880320-0016", "emso": "0101006500006", "national_id": "44051401359",
    "personal_id": "33392005961", "personal_code": "36805280109", "citizen_id": "3100600445635", "id_card": "360426199101010071",
    "id": "7523169263", "identity": "211062-5629",
}  # fmt: skip
"""What a number is called, and one of that kind: the examples of python-stdnum; of Vietnam, invented ones."""

POSITIVES: Final[tuple[tuple[str, str], ...]] = (
    ("email", "/newsletter?to=jane.doe@shop.example&lang=en"),
    ("email", "/newsletter?to=jane.doe%40shop.example"),
    ("email", "/r?next=%2Fnewsletter%3Fto%3Djane.doe%2540shop.example"),
    ("email", '{"roleSessionName":"jane@corp.example","durationSeconds":3600}'),
    ("email", '{"filter":"{\\"user\\":\\"jane\\u0040corp.example\\"}"}'),
    ("email", "/u/jane+news@shop.example/edit"),
    ("email", "User Jane <JANE_99@mail.shop.example> not found"),
    ("email", "/invite?u=nguyen.van.a%40163.example"),
    ("email", "/invite?u=jörg@müller.example"),
    ("email", "mailto:o'neil@shop.example?subject=hi"),
    ("email", "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/jane@corp.example"),
    ("email", "SyncBot/1.2 (+mailto:operator@crawler.example)"),
    ("email", "/user?mail=jane@10.shop.example."),
    ("phone", "/call?to=%2B4930901820"),
    ("phone", "/call?to=+4930901820"),
    ("phone", "/call?to=%2B49+30+901820&x=1"),
    ("phone", "/sms/+84912345678/send"),
    ("phone", "sent to +66 81 234 5678 200 200 1234"),
    ("phone", "called +44 (0)20 7946 0018."),
    ("phone", '{"phoneNumber":"+8613812345678"}'),
    ("phone", "tel:+1-202-456-1414"),
    ("phone-nanp", "/find?q=(202)+456-1414"),
    ("phone-nanp", "callback 212-736-5000, please"),
    ("phone-named", "/otp?phone=84912345678&code=1"),
    ("phone-named", '{"msisdn": "00447400123456"}'),
    ("phone-named", "/otp?phone=0912345678&code=1"),
    ("phone-named", "/otp?mobile=13812345678"),
    ("phone", "/call?to=+49%2030%20901820"),
    ("email", "/track?d=eyJ1c2VyIjoiamFuZUBzaG9wLmV4YW1wbGUifQ%3D%3D"),
    ("email", "/unsubscribe/amFuZS5kb2VAc2hvcC5leGFtcGxl/all"),
    ("card", "/pay?pan=4111111111111111&cvv=x"),
    ("card", "/pay/4012888888881881/confirm"),
    ("card", "card 5555 5555 5555 4444 refused"),
    ("card", "card%205105%201051%205105%205100"),
    ("card", "/pay?c=4111-1111-1111-1111"),
    ("card", '{"amount":1,"number":2223003122003222}'),
    ("card", "/amex?q=3782%20822463%2010005"),
    ("card", "/amex?q=371449635398431"),
    ("card", "/discover?q=6011111111111117"),
    ("card", "/jcb?q=3530111333300000"),
    ("card", "1234 4111 1111 1111 1111"),
    ("card-named", "/diners?card_number=38520000023237"),
    ("card-named", '{"pan":"6205500000000000004"}'),
    ("iban", "/sepa?iban=DE89370400440532013000"),
    ("iban", "transfer to NL91 ABNA 0417 1643 00 on Monday"),
    ("iban", "/sepa?to=GB29+NWBK+6016+1331+9268+19"),
    ("iban", "/sepa?to=NO9386011117947"),
    ("iban", "/sepa?to=MT84MALT011000012345MTLCAST001S"),
    ("iban-named", "/sepa?iban=fr1420041010050500013m02606"),
    ("national-id-named", "/kyc?ssn=536-90-4399"),
    ("national-id-named", "/kyc?customer_ssn=536904399"),
    ("national-id-named", '{"can_cuoc_number": "001199000001"}'),
    ("national-id-named", "/kyc?national-id=44051401359"),
    ("national-id-named", "/kyc?rodne_cislo=710319%2F2745"),
    *(("national-id-named", f"/kyc?{name}_number={number}") for name, number in NUMBERS.items()),
    ("national-id-us", "claim of 536-90-4399 was refused"),
    ("national-id-cn", "/kyc?q=360426199101010071"),
    ("national-id-cn", "/kyc/11010519491231002X"),
    ("national-id-th", "/kyc?q=3-1006-00445-63-5"),
    ("national-id-fr", "/kyc?q=295109912611193"),
    ("national-id-it", "/kyc?q=RCCMNL83S18D969H"),
    ("national-id-it", "/kyc?q=rccmnl83s18d969h"),
    ("national-id-be", "/kyc?q=85.07.30-033.28"),
    ("national-id-fi", "/kyc?q=131052-308T"),
    ("jwt", f"/cb?jwt={JWT}"),
    ("jwt", f'{{"headers":{{"authorization":"{JWT}"}}}}'),
    ("bearer", "Authorization: Bearer mF_9.B5f-4.1JqMkx"),
    ("bearer", "/proxy?h=authorization%3A%20bearer%20mF_9.B5f-4.1JqMkx"),
    ("basic", "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ("aws-access-key-id", f"/o?X-Amz-Credential={AWS_ID}%2F20261120%2Feu-central-1%2Fs3%2Faws4_request"),
    ("aws-access-key-id", f'{{"accessKeyId":"{AWS_ID}"}}'),
    ("aws-secret-access-key", f'{{"secretAccessKey":"{AWS_SECRET}"}}'),
    ("aws-secret-access-key", f"aws_secret_access_key={AWS_SECRET}"),
    ("private-key", json.dumps({"body": KEY})),
    ("private-key", KEY),
    ("private-key", "/import?pem=" + quote(KEY)),
    ("api-key", f"/hook?k={GITHUB}"),
    ("api-key", f'{{"token":"{STRIPE}"}}'),
    ("password", "/login?user=a&password=correcthorse"),
    ("password", "/login?user=a&PASSWORD=p%40ss%2Fword"),
    ("password", '{"masterUserPassword":"correct horse"}'),
    ("password", '{"body":"{\\"password\\": \\"hunter2\\"}"}'),
    ("password", "/login?pass=1234"),
    ("token", "/v1/me?access_token=2YotnFZFEjr1zCsicMWpAA"),
    ("token", "/v1/me?api_key=0123456789abcdef0123"),
    ("token", "/reset?token=2YotnFZFEjr1zCsicMWpAA&lang=en"),
    ("token", '{"client_secret": "7Fjfp0ZBr1KtDRbnfVdmIw"}'),
    ("session-id", "/cart;jsessionid=B6A1F3C8D9E2A7B4C5D6E7F8A9B0C1D2?x=1"),
    ("session-id", "/cart?PHPSESSID=q7v5rm3ogdm2ss1kq8k3q6bfc1"),
    ("session-id", "/cart?sid=550e8400-e29b-41d4-a716-446655440000"),
    ("session-id", "/cart?session=9f86d081884c7d659a2feaa0c55ad015"),
    ("address-password", "/fetch?url=https://jane:s3cret@git.shop.example/repo.git"),
    ("address-password", "connecting to postgres://app:hunter2@db.shop.example/orders"),
)  # fmt: skip
"""The pattern that must find something, and where."""

NEGATIVES: Final[tuple[str, ...]] = (
    "/list?token=next-page-2&limit=50",
    "/list?token=aGVsbG8gd29ybGQ",
    "/help?secret=santa",
    "/otp?phone=0000000000",
    "/static/aGVsbG8gd29ybGQgaGVsbG8/x.js",
    # what access logs are made of
    "200 200 1234", "502 - 0 289", "301 301 2024 1536", "0.001 0.132 0.000", "404 200 5551234",
    "10.0.0.7:8080", "203.0.113.77", "2001:db8::77", "[2001:db8::77]:443",
    "Root=1-67891233-abcdef012345678912345678", "TID_dd1cf9f8ec9d3e4abf6e1d6e5b8d3b21", "1-58337262-36d228ad5d99923122bbe354",
    "2026-11-20T12:00:00.123456Z", "2026-11-20T12:00:00+02:00", "20/Nov/2026:12:00:00 +0000", "1763640000", "1763640000123", "1763640000123456",
    "1763640000123456789", "Thu, 20 Nov 2026 12:00:00 GMT", "2026-11-20 12:00:00 200 1234",
    "arn:aws:iam::111122223333:role/deploy", "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/6d0ecf831eec9f09",
    "arn:aws:sts::444455556666:assumed-role/reader/i-0123456789abcdef0", "111122223333", '{"accountId":"444455556666"}', "/accounts/111122223333/users",
    "550e8400-e29b-41d4-a716-446655440000", "/orders/123e4567-e89b-12d3-a456-426614174000/items", "00000000-0000-0000-0000-000000000000",
    "4111111111111111a", "a4111111111111111", "0x4111111111111111", "41111111111111112", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "d41d8cd98f00b204e9800998ecf8427e", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 'W/"5f3-17a2b3c4d5e"',
    "0000000000000000", "1111111111111111", "1234567890123456", "9999999999999995", "/p?trace_id=4111111111111111", "/orders/4111111111111111",
    '{"spanId":"4012888888881881","traceId":"5555555555554444"}', "?ts=378282246310005", "4111 1111 1111 1112", "411-111-111-111-1111",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.109 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "aws-sdk-go-v2/1.24.0 os/linux lang/go#1.22.1 md/GOOS#linux",
    "aws-cli/2.15.30 md/awscrt#0.19.19 ua/2.0 os/macos#23.3.0 md/arch#arm64 lang/python#3.11.8 cfg/retry-mode#standard",
    "[AWSConsole, aws-internal/3 aws-sdk-java/1.12.488 Linux/5.10.184-153.749.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.372-b08]",
    "curl/8.5.0", "kube-probe/1.29+", "ELB-HealthChecker/2.0", "python-requests/2.31.0",
    # numbers with signs
    "/v?range=+1234567890", "5+4930901820=?", "C+++", "+0000", "+02:00", "GMT+10 2026", "+1 200 200 1234", "/map?ll=52.520008,13.404954", "a+4930901820",
    "978-3-16-148410-0", "123-45-678", "1234-56-7890", "000-12-3456", "666-12-3456", "900-12-3456", "123-00-4567", "2026-11-2020", "536-90-43990",
    "12-536-90-4399", "/sku/536-90-4399-2", "123-456-7890", "100-200-3000", "555-1234", "1-2345-67890-12-9",
    "3100600445635", "44051401359", "36574261809", "111222333", "079201012345", "7523169263", "536904399", "33392005961",
    "/kyc?id=44051401359", "?sku=54362315K", "360426199113010071", "360426299101010071", "295139912611193",
    # at signs
    "logo@2x.png", "/img/hero@3x.webp?v=2", "user@host", "root@ip-10-0-0-1", "root@ip-10-0-0-1.eu-central-1.compute.internal", "getty@tty1.service",
    "admin@localhost", "backup@nas.local", "/npm/vue@3.4.21/dist/vue.global.prod.js", "/npm/@scope/pkg@1.0.0/+esm", "jquery@3.7.1.min.js", "swiper@11.0.min",
    "https://medium.example/@jane.doe/post", "/maps/@52.52,13.40,15z", "git@github.example:org/repo.git", "ssh://deploy@bastion.shop.example/srv",
    "deploy@bastion.shop.example:22", "rsync backup@nas.shop.example:/srv/data", "https://0123abcd@o77.ingest.errors.example/42", "java.lang.Object@1b6d3586",
    "@media (min-width:600px)", "a@b", "@shop.example", "x@.example", "jane@shop..example", "jane..doe@-shop.example", "%40", "jane%40", "foo@bar@baz",
    "nats.7@svc.cluster.local", "builder@shop-4711.iam.gserviceaccount.com", "'@shop.example'", "x@1.2.3.beta",
    # names that look like secrets, and values that are left out
    '{"masterUserPassword":"HIDDEN_DUE_TO_SECURITY_REASONS"}', '{"password":"****"}', '{"password":"[REDACTED]"}', "/login?password=***", "?password=xxxxxx",
    '{"passwordResetRequired":false,"passwordLastUsed":null}', "/forgot-password?step=2", "/reset_password/form", "?has_password=true", "?password=",
    '{"password":null}', '{"password":""}', "GetPasswordData", "UpdateAccountPasswordPolicy", "?pwd=/home/app", "?compass=north", "?bypass=true1",
    '{"nextToken":"AAMA-EFRSURBSGhtbHlXVVVSRllQ"}', "?continuation-token=1ueGcxLPRx1Tr", "?csrf_token=", "?access_token=undefined", "?token=abc", '"sessionToken":null',
    "Authorization: Bearer", "bearer of bad news arrives today", "Basic authentication required", "Basic information about the order",
    "?sid=42", "?session=winter-2026", "?session=autumn-collection-2026", "?sessionid=", "?sessionid=undefined", "?sid=berlin-mitte-7", "/sessions/12",
    "?api_key=REDACTED", "?apikey={apikey}", "?api_key=${API_KEY_FROM_THE_VAULT}", "eyJust.a.word", "eyJhbGciOi.not.json", "/eyebrow.min.js",
    "AKIA", "AKIAIOSFODNN7", "XAKIAIOSFODNN7INVENTED", "AROAQWERTYUIOPASDFGHJ", "AIDAQWERTYUIOPASDFGHJ", "-----BEGIN CERTIFICATE-----\nTUlJQ2x6Q0NBWDg=",
    "-----BEGIN " + "PUBLIC KEY-----\nTUlJQ2x6Q0NBWDg=", "PRIVATE KEY rotation", "ghp_short", "glpat-short", "xoxb-1", "sk_test_0123456789abcdef", "AIzaShort",
    "https://shop.example:443/cart", "http://10.0.0.1:8080/@scope/pkg", "https://[2001:db8::1]:443/x@y", "https://user@shop.example/", "http://a:80@b",
    # words and codes that look like accounts
    "GB82WEST12345698765433", "DE00370400440532013000", "XX89370400440532013000", "AB12CDEF34567890", "C3D13FE58DE4C810ABCD", "SG20INTHEDARK2026EDITION",
    "SKU DE12 3456 7890 1234", "RCCMNL83S18D969A", "?ssn=", "?ssn=unknown", "?ssn=123", "?national_id=12345", "?pesel=44051401358", "?cccd=999999999999",
    "?bsn=111222334", "?phone=123", "?phone=iphone-15", "?mobile=true", "?mobile=1", "?phone=555123", "?card=gift-2026", "?cc=de", "?pan=left", "?card_number=1234567890123456",
    # bytes that are nobody's text
    "\x00\x01\x02", "\x00" * 300, "%00%ff%fe", "%zz%4", "%", "\\", "\\u12", "\\ud800", "\ufffd\u200b", "💳 4111", "٤١١١١١١١١١١١١١١١", "+" * 400, "@" * 400,
    "%25" * 100, "\\\\" * 200, "4" * 3000, "a" * 3000, "-" * 3000, "1 " * 1000, "a." * 1000,
)  # fmt: skip


def drawn(count: int, seed: int = 4711) -> list[str]:
    """Texts as they stand in clean logs: identifiers, times, hashes, versions and cursors, drawn anew each."""
    chance = Random(seed)
    base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    def hexes(length: int) -> str:
        return f"{chance.getrandbits(4 * length):0{length}x}"

    def number(length: int) -> str:
        return str(chance.randrange(10 ** (length - 1), 10**length))

    def letters(length: int) -> str:
        return "".join(chance.choices(base64, k=length))

    made = (
        lambda: f"/orders/{hexes(8)}-{hexes(4)}-4{hexes(3)}-a{hexes(3)}-{hexes(12)}/items?page={number(2)}",
        lambda: f"/search?q=winter%20shoes%20{number(2)}&lang=en&trace={hexes(32)}&span={hexes(16)}",
        lambda: f"/static/app.{hexes(20)}.js?v={number(1)}.{number(2)}.{number(3)}",
        lambda: f"/cart/{number(7)}/items?sku={number(9)}&ts=17{number(11)}&t=17{number(14)}",
        lambda: f"/feed?cursor={letters(48)}==&since=2026-{number(2)}-{number(2)}",
        lambda: f"Root=1-{hexes(8)}-{hexes(24)}",
        lambda: f'{{"roleArn":"arn:aws:iam::{number(12)}:role/app-{letters(6)}","roleSessionName":"i-{hexes(17)}","durationSeconds":3600}}',
        lambda: (
            f'{{"bucketName":"mb-{number(5)}","key":"y=2026/m=11/part-{number(5)}-{hexes(8)}-c000.parquet","x-amz-id-2":"{letters(40)}+{letters(30)}/{letters(5)}="}}'
        ),
        lambda: f'{{"nextToken":"{letters(120)}","maxResults":{number(3)},"snapshotId":"snap-{hexes(17)}","size":{number(10)}}}',
        lambda: f"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/{number(3)}.0.{number(4)}.{number(3)} Mobile Safari/537.36",
        lambda: f"{number(3)} {number(3)} {number(4)} {number(5)} 0.{number(3)} 0.{number(3)}",
        lambda: f"/img/{letters(22)}@2x.png?w={number(4)}&h={number(3)}",
    )
    return [chance.choice(made)() for _ in range(count)]
