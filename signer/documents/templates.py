"""Showing templates and rendering drafts from them: no key, nothing archived."""

from __future__ import annotations

from policy_render.catalog import Catalog, Template
from policy_render.data_schema import check_data
from policy_render.errors import RenderError
from policy_render.renderer import Renderer
from signer.authz import Actor, Ask, Grants
from signer.deadline import Deadline


class TemplateDesk:
    """Templates as a client may see them."""

    def __init__(self, grants: Grants, catalog: Catalog, renderer: Renderer) -> None:
        self._grants = grants
        self._catalog = catalog
        self._renderer = renderer

    def usable(self, actor: Actor) -> list[Template]:
        """Current versions of the templates in the client's grants, by name."""
        return [
            template
            for template in self._catalog.current()
            if self._grants.may_see_template(actor.client, template.name)
        ]

    def get(self, actor: Actor, reference: str) -> Template:
        """One template, the current version where none is named. Raises AccessError, RenderError."""
        template = self._catalog.get(reference)
        self._grants.authorise(actor, Ask(template=template.name))
        return template

    def title_of(self, reference: str) -> str:
        """A template's Chinese title; empty for one that is no longer there."""
        try:
            return self._catalog.get(reference).title_zh
        except RenderError:
            return ""

    def render_draft(self, actor: Actor, reference: str, data_json: str, deadline: Deadline) -> tuple[str, bytes]:
        """The template's full reference and a PDF marked as a draft. Raises AccessError, RenderError."""
        template = self._catalog.get(reference)
        self._grants.use(actor, Ask(template=template.name))
        rendered = self._renderer.render(
            template, check_data(template, data_json), draft=True, timeout=deadline.remaining()
        )
        return template.reference, rendered.pdf
