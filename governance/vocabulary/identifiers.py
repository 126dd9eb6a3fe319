"""Validators for the field's identifiers.

Sources: DICOM PS3.5 section 9.1 (UIDs), NHS Data Dictionary (ODS codes, NHS numbers).
"""

import re

DEFAULT_PORTS = {"http": 80, "https": 443}  # of a URL that names none (RFC 9110 sections 4.2.1 and 4.2.2)
UID_MAXIMUM = 64  # characters, DICOM PS3.5 section 9.1
_ODS = re.compile(r"[A-Z0-9]{3,10}")
_NHS_NUMBER = re.compile(r"[0-9]{10}")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])")
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def ods_code(text: str) -> str:
    """Take an ODS organisation code (3 to 10 capital letters and digits) and give it back; raises ValueError."""
    if not _ODS.fullmatch(text):
        raise ValueError("an ODS code is 3 to 10 capital letters and digits")
    return text


def is_nhs_number(text: str) -> bool:
    """Say whether the text is a ten-digit NHS number with a right check digit (modulus 11)."""
    if not _NHS_NUMBER.fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:9], range(10, 1, -1), strict=True))
    check = 11 - total % 11
    return check != 10 and check % 11 == int(text[9])


def nhs_number(text: str) -> str:
    """Take an NHS number, spaces allowed, and give its ten digits; the ValueError never repeats the number."""
    digits = text.replace(" ", "")
    if not is_nhs_number(digits):
        raise ValueError("an NHS number is ten digits with a modulus-11 check digit")
    return digits


def study_uid(text: str) -> str:
    """Take a DICOM UID and give it back; raises ValueError (PS3.5 section 9.1: digits and dots, 64 characters)."""
    if len(text) > UID_MAXIMUM or not _UID.fullmatch(text):
        raise ValueError("a DICOM UID is digits and dots, no component with a leading zero, 64 characters at most")
    return text


def mail_address(text: str) -> str:
    """Take a mail address and give it back; the ValueError never repeats it.

    The ASCII form that HTML's ``input type=email`` takes, 254 characters at most (RFC 5321 section 4.5.3.1).
    """
    if not _MAIL_ADDRESS.fullmatch(text) or ".." in text or text.startswith(".") or ".@" in text:
        raise ValueError("a mail address is name@host, in ASCII, 254 characters at most")
    return text
