import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgeeeg.evaluation.detection_scores import Spread
from edgeeeg.evidence import Evidence
from edgeeeg.signal.annotation import Annotation
from edgeeeg_bench.counters import Cycles
from edgeeeg_bench.energy import estimate
from edgeeeg_bench.envelope import envelope
from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.figures import TRACE_POINTS, trace_figure
from edgeeeg_bench.profile import ModelProfile, SymbolProfile
from edgeeeg_bench.report import render_report, write_report
from edgeeeg_bench.result import DemoResult, Sizes, TaskScores, Trace, board_evidence
from edgeeeg_bench.tables import boards_table, three_figures
from edgeeeg_export.comparison import Record

RECORD = Record("numpy", 1600, 0.0, 0.0, 0.0, bit_identical=True, first_over=None, tolerance=0.0).to_json()


@dataclass(frozen=True)
class FoldScores:
    auc: Spread
    sensitivity: Spread
    specificity: Spread


def scores(auc):
    return FoldScores(Spread.of([auc, auc]), Spread.of([0.8, 0.9]), Spread.of([0.9, 1.0]))


@pytest.fixture
def trace():
    samples = np.random.default_rng(0).normal(0, 40, (2, 1600)).astype(np.float32)
    times = (np.arange(200) + 1) * 8 / 100
    outputs = np.linspace(0, 1, 200, dtype=np.float32)
    annotations = (Annotation(4.0, 3.0, "seizure"), Annotation(9.0, 0.0, "blink"))
    return Trace(
        samples, ("F3", "C3"), 100.0, "uV", times, outputs, 0.5, annotations, ("seizure",), "a recording"
    )


@pytest.fixture
def result(trace):
    cycles = Cycles(60_000, 70_000, 80_000)
    step = SymbolProfile("net_step", 200, 10_000_000, 50_000.0, cycles)
    memcpy = SymbolProfile("memcpy", 9, 400, 2.0, Cycles(3, 3, 3))
    profile = ModelProfile(200, 50_000.0, cycles, (step,), (), (memcpy,))
    carried = scores(0.99)
    task = TaskScores(
        "raw", carried, {"boosted_trees": scores(0.97)}, {"windowed": scores(0.98), "carried": carried}
    )
    return DemoResult(
        title="A <detector>",
        model_hash="0123456789abcdef",
        trace=trace,
        tasks=(task,),
        protocol={"split_unit": "file", "folds": 5},
        contract={
            "numpy": RECORD,
            "onnxruntime": Record(
                "numpy",
                1600,
                1e-3,
                1e-6,
                1e-3,
                bit_identical=False,
                first_over=1234,
                tolerance=1e-4,
                forced=True,
                flips=3,
                flips_outside_episodes=1,
                episodes=2,
                longest_episode_samples=480,
            ).to_json(),
            "board": RECORD,
        },
        sizes=Sizes(60_000, 4_000, 2_000, 1_000),
        board="qemu:mps2-an386",
        steps_per_second=12.5,
        profile=profile,
        energy=(estimate(60_000, 70_000, 80_000, 12.5, "nrf52840"),),
    )


def body(page):
    """The page without bokeh's own script."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_the_page_needs_no_network(result):
    page = render_report(result)
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", page)
    assert "cdn.bokeh.org" not in body(page)
    assert "@import" not in page.split("</style>")[0]


def test_what_was_found_is_on_the_page_with_its_grade(result):
    page = body(render_report(result))
    assert "A &lt;detector&gt;" in page
    assert "A <detector>" not in page
    for figure in ("50,000", "0.9900 ± 0.0000", "boosted trees", "60,000", "memcpy (at most 2.0)"):
        assert figure in page
    for grade in (Evidence.COUNTED, Evidence.MODELLED, Evidence.EMULATED, Evidence.MEASURED):
        assert f'class="evidence {grade}"' in page
    assert "C on qemu:mps2-an386" in page
    for finding in (
        "2 of 3",
        "from sample 1,234",
        "same bits: numpy, board",
        "3 (1)",
        "longest 480 samples",
    ):
        assert finding in page
    assert "Left out" not in page


def test_every_row_of_figures_carries_a_grade(result):
    rows = re.findall(r"<tr.*?</tr>", body(render_report(result)))
    figures = [row for row in rows if "<td>" in row]
    assert len(figures) > 10
    assert all('class="evidence' in row for row in figures)


def test_without_a_board_the_page_says_so_and_shows_no_guess(result):
    sizes = replace(result.sizes, stack_bytes=None)
    sentence = "No board: qemu-system-arm is not installed."
    contract = {"numpy": RECORD}
    host = replace(result, profile=None, energy=(), left_out=(sentence,), sizes=sizes, contract=contract)
    page = body(render_report(host))
    assert sentence in page
    assert "not seen" in page
    assert "Where the instructions go" not in page
    assert "modelled</span>" not in page
    assert "emulated</span>" not in page
    found = host.to_dict()
    assert found["board"]["instructions_per_step"] is None
    assert found["energy"] is None
    assert found["sizes"]["stack_bytes"] is None


def test_the_json_object_has_the_agreed_keys(result):
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert set(found) == {"task", "contract", "sizes", "board", "energy", "left_out"}
    assert found["task"]["raw"]["auc"] == pytest.approx(0.99)
    assert found["task"]["raw"]["sensitivity_sd"] == pytest.approx(0.05)
    assert found["task"]["raw"]["baselines"]["boosted_trees"]["auc"] == pytest.approx(0.97)
    assert found["task"]["protocol"] == {"split_unit": "file", "folds": 5}
    assert found["board"] == {
        "name": "qemu:mps2-an386",
        "instructions_per_step": 50_000,
        "evidence": "counted",
    }
    assert found["sizes"] == {
        "flash_content": "code and weights",
        "flash_bytes": 60_000,
        "state_bytes": 4_000,
        "arena_bytes": 2_000,
        "stack_bytes": 1_000,
    }
    energy = found["energy"]
    assert energy["evidence"] == "modelled"
    assert energy["band"][0] < energy["joules_per_second_of_eeg"] < energy["band"][1]


def test_a_contract_without_all_its_figures_is_refused(result):
    with pytest.raises(BenchError, match="record of numpy lacks flips"):
        replace(result, contract={"numpy": {key: value for key, value in RECORD.items() if key != "flips"}})


def test_shapes_that_do_not_belong_together_are_refused(trace):
    with pytest.raises(BenchError, match=r"samples of shape \(2, 1600\) for 1 channel names"):
        replace(trace, ch_names=("F3",))
    with pytest.raises(BenchError, match="one time for each output"):
        replace(trace, output_times=trace.output_times[1:])


def test_the_three_traces_share_their_time_axis_and_mark_only_events(trace):
    from bokeh.models.annotations import BoxAnnotation

    figures = trace_figure(trace).children
    assert len(figures) == 3
    assert len({id(figure.x_range) for figure in figures}) == 1
    marked = [[box.left for box in figure.select(BoxAnnotation) if box.left == 4.0] for figure in figures[:2]]
    assert marked == [[4.0], [4.0]]
    assert not [box for figure in figures for box in figure.select(BoxAnnotation) if box.left == 9.0]
    assert figures[2].y_range.factors == ["blink", "seizure"]


def test_a_recording_without_annotations_or_amplitude_can_be_drawn(trace):
    flat = replace(trace, samples=np.zeros((2, 1600), np.float32), annotations=())
    assert len(trace_figure(flat).children) == 3


def test_the_envelope_keeps_a_spike_of_one_sample_and_bounds_the_points():
    signal = np.zeros(100_001, np.float32)
    signal[54_321] = 9.0
    signal[54_330] = -7.0
    at, values = envelope(signal, TRACE_POINTS)
    assert len(at) <= TRACE_POINTS
    assert np.all(np.diff(at) > 0)
    assert (values.max(), values.min()) == (9.0, -7.0)
    assert np.array_equal(signal[at], values)
    short_at, short = envelope(signal[:100], TRACE_POINTS)
    assert np.array_equal(short_at, np.arange(100))
    assert np.array_equal(short, signal[:100])


def test_fit_is_told_part_by_part():
    page = boards_table(Sizes(100_000, 80_000, 0, None), ())
    rows = {
        re.search(r"<td>([^<]*)", row)[1]: row for row in re.findall(r"<tr.*?</tr>", page) if "<td>" in row
    }
    assert 'class="no">no' in rows["nrf5340-net"]
    assert 'class="yes">yes' in rows["nrf52840"]
    assert not any(name.startswith("qemu:") for name in rows)


def test_a_report_replaces_the_old_one_whole(result, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(path, result) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(BenchError, match="cannot write the report"):
        write_report(tmp_path / "absent" / "report.html", result)


def test_numbers_have_three_figures_and_no_exponent():
    assert [three_figures(value) for value in (1361.2, 252.4, 41.23, 0.06721, 0.0)] == [
        "1,361",
        "252",
        "41.2",
        "0.0672",
        "0",
    ]


def test_what_a_board_shows_is_measured_only_on_hardware():
    assert board_evidence("qemu:mps2-an386") is Evidence.EMULATED
    assert board_evidence("nrf52840") is Evidence.MEASURED


def test_without_scores_there_is_no_table_of_them(result):
    assert "Scores on held-out files" in render_report(result)
    assert "Scores on held-out files" not in render_report(replace(result, tasks=()))


def test_flash_without_the_code_is_not_passed_off_as_the_programs(result):
    assert "Flash, code and weights" in render_report(result)
    page = render_report(replace(result, sizes=Sizes(20_000, 4_000, 2_000, None, weights_only=True)))
    assert "Flash, weights only" in page
    assert "flash: weights only" in page
    fits = boards_table(Sizes(20_000, 4_000, 0, None, weights_only=True), ())
    assert "not known without the code" in fits
    assert '<span class="yes">' not in fits
    assert '<span class="no">no</span>' in boards_table(Sizes(10**8, 4_000, 0, None, weights_only=True), ())
