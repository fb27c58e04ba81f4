# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sentence of the services was made of (daemon/common/phrase.h), as a client reads it."""
import os
import re

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def catalog():
    """The sentences that have a German translation."""
    with open(os.path.join(SOURCE, "po/de.po"), encoding="utf-8") as file:
        joined = re.sub(r'"\n"', "", file.read())
    return {text.replace('\\"', '"').replace("\\n", "\n") for text in re.findall(r'^msgid "(.+)"$', joined, re.M)}


def fill(phrase):
    """The sentence in English."""
    arguments = iter(phrase[1:])

    def say(conversion):
        if conversion == "%%":
            return "%"
        value = next(arguments)
        return fill(value) if isinstance(value, list) else conversion % value
    return re.sub(r"%(?:\.1f|[sud%])", lambda match: say(match.group()), phrase[0])
