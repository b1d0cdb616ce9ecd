"""Writes official_signatures.json: what the official Python SDK signs.

    pip install cos-python-sdk-v5==1.9.44
    python official_signatures.py > official_signatures.json
"""

import json
import time
from urllib.parse import urlparse

from qcloud_cos import CosConfig, CosS3Client
from requests import Request
from qcloud_cos.cos_auth import CosS3Auth

NOW = 1700000000
time.time = lambda: NOW

BUCKET = "examplebucket-1250000000"
SECRET_ID = "AKIDexample"
SECRET_KEY = "example-secret-key"


def client(**options):
    return CosS3Client(
        CosConfig(
            Region="ap-guangzhou", SecretId=SECRET_ID, SecretKey=SECRET_KEY, **options
        )
    )


def signed(name, method, key=None, params=None, headers=None):
    conf = client().get_conf()
    params, headers = params or {}, dict(headers or {})
    url = conf.uri(bucket=BUCKET, path=key)
    auth = CosS3Auth(conf, key, params=params)
    sent = Request(method, url, headers=headers, params=params, auth=auth).prepare()
    parsed = urlparse(sent.url)
    return {
        "name": name,
        "method": method,
        "host": parsed.netloc,
        "path": parsed.path,
        "query": parsed.query,
        "headers": {k.lower(): str(v) for k, v in sent.headers.items() if k != "Authorization"},
        "authorization": sent.headers["Authorization"],
    }


def presigned(name, key, params):
    url = client().get_presigned_url(BUCKET, key, "GET", Expired=300, Params=params)
    parsed = urlparse(url)
    return {
        "name": name,
        "method": "GET",
        "host": parsed.netloc,
        "path": parsed.path,
        "query": parsed.query,
        "headers": {},
        "authorization": None,
    }


requests = [
    signed("a listing", "GET", params={
        "prefix": "报告 a+b/", "delimiter": "/", "marker": "", "max-keys": 3, "encoding-type": "url",
    }),
    signed("a key with every awkward character", "GET", "docs/报告 😀 a+b%20#?&=;,'()*!~.txt"),
    signed("control characters", "HEAD", "a\x01b\tc\nd"),
    signed("empty segments", "GET", "a//b/"),
    signed("dot segments", "GET", "a/./b/../c"),
    signed("a range and a token", "GET", "a.bin", headers={
        "Range": "bytes=0-9", "x-cos-security-token": "to/ken+==", "User-Agent": "not signed",
    }),
    signed("answer overrides", "GET", "a.bin", params={
        "response-content-type": "text/plain; charset=utf-8", "response-cache-control": "max-age=1",
    }),
    presigned("a presigned address", "报告/a b.txt", {}),
    presigned("a presigned address with parameters", "a.bin", {
        "response-content-disposition": "attachment; filename=\"b c.bin\"",
    }),
]

print(json.dumps({
    "now": NOW,
    "secret_id": SECRET_ID,
    "secret_key": SECRET_KEY,
    "requests": requests,
}, ensure_ascii=True, indent=1))
