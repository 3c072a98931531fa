"""The template engine: parse, check, fill in, plan, compare and render Railway templates. Pure; no I/O."""

from __future__ import annotations

from railway_saas.templates.changes import (
    FieldChange,
    ServiceChange,
    TemplateDiff,
    VariableChange,
    VolumeChange,
)
from railway_saas.templates.costs import CostAssumptions, CostEstimate, CostLine, ServiceCost, ServiceUse
from railway_saas.templates.document import Template
from railway_saas.templates.expressions import (
    FunctionCall,
    Literal,
    RandomSource,
    Reference,
    VariableScope,
    evaluate_functions,
    evaluate_generator,
    parse_expressions,
    references,
    render,
)
from railway_saas.templates.inputs import TemplateInput
from railway_saas.templates.json_values import JsonObject, JsonValue
from railway_saas.templates.names import looks_secret
from railway_saas.templates.plan import GeneratedSecret, Plan, PlannedDomain, PlannedService, PlannedVolume
from railway_saas.templates.views import (
    TemplateBucket,
    TemplateDomain,
    TemplateService,
    TemplateSource,
    TemplateVariable,
    TemplateVolume,
)
from railway_saas.templates.warnings import PlanWarning, WarningCode

__all__ = [
    "CostAssumptions",
    "CostEstimate",
    "CostLine",
    "FieldChange",
    "FunctionCall",
    "GeneratedSecret",
    "JsonObject",
    "JsonValue",
    "Literal",
    "Plan",
    "PlanWarning",
    "PlannedDomain",
    "PlannedService",
    "PlannedVolume",
    "RandomSource",
    "Reference",
    "ServiceChange",
    "ServiceCost",
    "ServiceUse",
    "Template",
    "TemplateBucket",
    "TemplateDiff",
    "TemplateDomain",
    "TemplateInput",
    "TemplateService",
    "TemplateSource",
    "TemplateVariable",
    "TemplateVolume",
    "VariableChange",
    "VariableScope",
    "VolumeChange",
    "WarningCode",
    "evaluate_functions",
    "evaluate_generator",
    "looks_secret",
    "parse_expressions",
    "references",
    "render",
]
