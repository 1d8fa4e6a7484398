#!/usr/bin/env python3
"""Writes the users of a rollbook tenant as CSV, read page by page from the management API.

    ROLLBOOK_API_KEY=acme:rbk_… ./export_users.py https://rollbook.example.com > users.csv

The key is that of a connector with the preset `management`. Needs Python 3 and nothing else.
"""

import csv
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


def users(url, key):
    """Every user, a page at a time, until there is no next page."""
    start = None
    while True:
        query = "?" + urllib.parse.urlencode({"next_page_start": start}) if start else ""
        request = urllib.request.Request(
            f"{url}/api/v2/users{query}", headers={"HTTP-X-PARTNER-AUTH": key}
        )
        with urllib.request.urlopen(request) as answer:
            page = json.load(answer)
        yield from page["users"]
        start = page["next_page_start"]
        if start is None:
            return


def main():
    key = os.environ.get("ROLLBOOK_API_KEY", "")
    if len(sys.argv) != 2 or ":" not in key:
        sys.exit(__doc__.strip())
    site_host = key.split(":", 1)[0]
    out = csv.writer(sys.stdout)
    out.writerow(["login", "firstName", "lastName", "email", "roles"])
    try:
        for user in users(sys.argv[1].rstrip("/"), key):
            roles = ";".join(f"{site_host}:{role['name']}" for role in user["roles"])
            email = user["email"]
            out.writerow([email, user["first_name"], user["last_name"], email, roles])
    except urllib.error.HTTPError as refused:
        said = refused.read().decode(errors="replace")
        try:
            said = json.loads(said)["detail"]
        except (ValueError, KeyError, TypeError):
            pass
        sys.exit(f"the server said no ({refused.code}): {said}")
    except urllib.error.URLError as failed:
        sys.exit(f"{sys.argv[1]} cannot be reached: {failed.reason}")


if __name__ == "__main__":
    main()
