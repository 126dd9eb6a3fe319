"""What a DICOMweb URL asks for, read strictly: an unknown form is refused, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.archives.dicomweb import Target, parse
from governance.vocabulary import Action

READABLE = {
    "/dicom-web/studies/1.2.3": Target(Action.READ, "1.2.3"),
    "/dicom-web/studies/1.2.3/": Target(Action.READ, "1.2.3"),
    "/studies/1.2.3/metadata": Target(Action.READ, "1.2.3"),
    "/studies/1.2.3/rendered?viewport=100,100": Target(Action.READ, "1.2.3"),
    "/studies/1.2.3/series": Target(Action.SEARCH, "1.2.3"),
    "/studies/1.2.3/instances": Target(Action.SEARCH, "1.2.3"),
    "/studies/1.2.3/series/1.4": Target(Action.READ, "1.2.3", "1.4"),
    "/studies/1.2.3/series/1.4/metadata": Target(Action.READ, "1.2.3", "1.4"),
    "/studies/1.2.3/series/1.4/instances": Target(Action.SEARCH, "1.2.3", "1.4"),
    "/studies/1.2.3/series/1.4/instances/1.5": Target(Action.READ, "1.2.3", "1.4", "1.5"),
    "/studies/1.2.3/series/1.4/instances/1.5/frames/1,2": Target(Action.READ, "1.2.3", "1.4", "1.5"),
    "/studies/1.2.3/series/1.4/instances/1.5/frames/1/rendered": Target(Action.READ, "1.2.3", "1.4", "1.5"),
    "/studies/1.2.3/series/1.4/instances/1.5/bulkdata/00420011": Target(Action.READ, "1.2.3", "1.4", "1.5"),
    "/dicom-web/studies": Target(Action.SEARCH, None),
    "/dicom-web/studies?PatientID=*": Target(Action.SEARCH, None),
    "/dicom-web/studies?StudyInstanceUID=1.2.3": Target(Action.SEARCH, "1.2.3"),
    "/studies/1.2.3/series?StudyInstanceUID=1.2.3&limit=5": Target(Action.SEARCH, "1.2.3"),
    "/studies/1.2.3/series/1.4/instances/1.5/bulk/7fe00010": Target(Action.READ, "1.2.3", "1.4", "1.5"),
    "/dicom-web/studies?0020000d=1.2.3&includefield=all": Target(Action.SEARCH, "1.2.3"),
    "/dicom-web/studies?0020000D=1.2.3&limit=1": Target(Action.SEARCH, "1.2.3"),
    "/dicom-web/studies?StudyInstanceUID=1.2.3&0020000D=1.2.4": Target(Action.SEARCH, None),
    "/dicom-web/studies?StudyInstanceUID=1.2.3&0020000d=1.2.4": Target(Action.SEARCH, None),
    "/dicom-web/studies?StudyInstanceUID=1.2.3&StudyInstanceUID=": Target(Action.SEARCH, None),
    # what OHIF and dicomweb-client send
    "/dicom-web/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030&StudyInstanceUID=1.2.3": (
        Target(Action.SEARCH, "1.2.3")
    ),
    "/dicom-web/studies?limit=101&offset=0&includefield=00081030%2C00080060&00100020=9990000018": (
        Target(Action.SEARCH, None)
    ),
    "/studies/1.2.3/series?includefield=0008103E&includefield=SeriesNumber": Target(Action.SEARCH, "1.2.3"),
    "/studies/1.2.3/series/1.4/instances/1.5/frames/1?accept=multipart%2Frelated": (
        Target(Action.READ, "1.2.3", "1.4", "1.5")
    ),
    "/studies/1.2.3/series/1.4/instances/1.5/rendered?quality=90&window=40,400,linear": (
        Target(Action.READ, "1.2.3", "1.4", "1.5")
    ),
    "/studies/1.2.3/series/1.4/thumbnail": Target(Action.READ, "1.2.3", "1.4"),
}
REFUSED = [
    "/",
    "/instances/abc/file",
    "/patients",
    "/dicom-web/studies/../studies/1.2.3",
    "/dicom-web/studies/1.2.3/../1.2.4",
    "/dicom-web/studies/1.2.3%2f..%2f1.2.4",
    "/dicom-web/studies/1.2.3/%2e%2e/1.2.4",
    "/dicom-web//studies/1.2.3",
    "/dicom-web/studies/1.2.3;x=1",
    "/dicom-web/studies/not-a-uid",
    "/dicom-web/studies/1.2.3/series/x",
    "/dicom-web/studies/1.2.3/other",
    "/dicom-web/studies/1.2.3/frames/1",
    "/dicom-web/studies/1.2.3/studies/1.2.4",
    "/dicom-web/studies/1.2.3%00",
    "/dicom-web/studies?StudyInstanceUID=1.2.*",
    "/dicom-web/studies?StudyInstanceUID=1.2.3%5C1.2.4",
    # the names under which an archive (Orthanc 1.10) also takes the study's tag, the last one winning
    "/dicom-web/studies?StudyInstanceUID=1.2.3&0020,000d=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3&0020-000D=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3&20,d=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3&(0020,000d)=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3;0020000d=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3#&0020000d=1.2.4",
    "/dicom-web/studies?StudyInstanceUID=1.2.3&studyInstanceUID=1.2.4",
    "/dicom-web/studies/1.2.3/series?StudyInstanceUID=1.2.4",
    "/dicom-web/studies/1.2.3/series?0020000d=",
    # and those under which it takes another method
    "/dicom-web/studies/1.2.3?_method=delete",
    "/dicom-web/studies/1.2.3?%5Fmethod=DELETE",
    "//dicom-web/studies/1.2.3",
    "https://archive.example/dicom-web/studies/1.2.3",
    "dicom-web/studies/1.2.3",
    "/dicom-web/studies/1.2.3#/../1.2.4",
    "/dicom-web/studies/1.2.3\t",
    "/dicom-web\\studies/1.2.3",
    "/dicom-web/%252e%252e/studies/1.2.3",
    "/dicom-web/x%3F/studies/1.2.3",
    "/dicom-web/x%23/studies/1.2.3",
    "/dicom-web/studies/" + "1." * 1100 + "1",
]


@pytest.mark.parametrize(("uri", "target"), READABLE.items())
def test_a_known_form_is_read(uri: str, target: Target) -> None:
    assert parse("GET", uri) == target
    assert parse("HEAD", uri) == target


@pytest.mark.parametrize("uri", REFUSED)
def test_an_unknown_form_is_refused(uri: str) -> None:
    assert parse("GET", uri) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "get", ""])
def test_only_reading_can_be_judged(method: str) -> None:
    assert parse(method, "/studies/1.2.3") is None


@given(st.text(max_size=200))
def test_no_url_makes_it_raise(text: str) -> None:
    found = parse("GET", text)
    assert found is None or isinstance(found, Target)


@given(st.lists(st.sampled_from(["studies", "series", "instances", "1.2.3", "1.2.4", "frames", "..", "", "%2e"])))
def test_a_target_is_always_the_first_study_of_the_path(parts: list[str]) -> None:
    found = parse("GET", "/" + "/".join(parts))
    if found is not None and found.study_uid is not None:
        assert parts[parts.index("studies") + 1] == found.study_uid
