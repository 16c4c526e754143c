# SPDX-License-Identifier: MIT
"""A signer of the tests' own for presigned URLs (AWS Signature Version 4), written from AWS's page and not from ours."""
import datetime
import hashlib
import hmac
import sqlite3
import urllib.parse


def url_key(data):
    """(access key, secret) of a cloud, from its catalog: what no client ever sees."""
    database = sqlite3.connect(f"file:{data}/catalog.db?mode=ro", uri=True)
    try:
        (secret,) = database.execute("SELECT value FROM setting WHERE name LIKE '%url_key'").fetchone()
    finally:
        database.close()
    return "HG" + hashlib.sha256(secret.encode()).hexdigest()[:16], secret


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def presign(cloud, method, bucket, key, headers=None, expires_s=60, age_s=0, access_key=None, secret=None, region="us-east-1"):
    own_access, own_secret = url_key(cloud.data)
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age_s)
    stamp, day = when.strftime("%Y%m%dT%H%M%SZ"), when.strftime("%Y%m%d")
    scope = f"{day}/{region}/s3/aws4_request"
    signed = {name.lower(): value for name, value in (headers or {}).items()}
    signed["host"] = urllib.parse.urlsplit(cloud.url).netloc
    names = ";".join(sorted(signed))
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{access_key or own_access}/{scope}", "X-Amz-Date": stamp,
             "X-Amz-Expires": str(expires_s), "X-Amz-SignedHeaders": names}
    path = f"/{bucket}/{quote(key, '/')}"
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(query.items()))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"{method}\n{path}\n{text}\n{lines}\n{names}\nUNSIGNED-PAYLOAD"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    derived = ("AWS4" + (secret or own_secret)).encode()
    for word in (day, region, "s3", "aws4_request"):
        derived = hmac.new(derived, word.encode(), hashlib.sha256).digest()
    signature = hmac.new(derived, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{cloud.url}{path}?{text}&X-Amz-Signature={signature}"
