"""Convert a board into Grafana's JSON with Grafana's own library."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common, dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    VariableHide,
    VariableRefresh,
)

from .promql import CALLS, DURATION, MODEL_LABEL, TOOL_LABEL
from .questions import Board, Question

TAG = "toolspan"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH, HEIGHT = 12, 8
VARIABLES = {
    "service": f"label_values({DURATION}_count, job)",
    "provider": f'label_values({DURATION}_count{{job=~"$service"}}, gen_ai_provider_name)',
    "model": f'label_values({DURATION}_count{{job=~"$service"}}, {MODEL_LABEL})',
    "tool": f'label_values({CALLS}{{job=~"$service"}}, {TOOL_LABEL})',
}


def written(board: Board) -> str:
    """Return the board as the text of its file."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags([TAG])
        .time("now-1h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink(TAG)
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").type("prometheus").hide(VariableHide.HIDE_VARIABLE)
        )
    )
    for name, query in VARIABLES.items():
        made = made.with_variable(_variable(name, query))
    for question in board.questions:
        made = made.with_panel(_panel(question))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _variable(name: str, query: str) -> dashboard.QueryVariable:
    """Return a variable for one, some or all values of a label; `all` includes series without that label."""
    return (
        dashboard.QueryVariable(name)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
    )


def _panel(question: Question) -> timeseries.Panel:
    panel = (
        timeseries.Panel()
        .title(question.title)
        .description(question.description)
        .unit(question.unit)
        .datasource(SOURCE)
        .min(0)
        .span(WIDTH)
        .height(HEIGHT)
        .fill_opacity(8)
        .show_points(options.VisibilityMode.AUTO)
        .legend(common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
    )
    for letter, (legend, expression) in zip("ABCD", question.queries.items(), strict=False):
        panel = panel.with_target(
            prometheus.Dataquery()
            .ref_id(letter)
            .expr(expression)
            .legend_format(legend)
            .range()
            .exemplar(True)
        )
    return panel
