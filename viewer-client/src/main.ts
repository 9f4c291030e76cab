/** The page of `gyrovox view`. */

import { type ResultSummary, listResults } from "./api";
import { byId, element } from "./dom";
import { Explorer } from "./explorer";
import { tellError, watchErrors } from "./notices";
import { type Theme, ThemeSwitch } from "./theme";
import { TileLabels } from "./tile-labels";
import { VolumeControls } from "./volume-controls";
import { VolumeView } from "./volume-view";

const BACKGROUND: Record<Theme, [number, number, number]> = {
  dark: [0.043, 0.055, 0.075],
  light: [0.925, 0.937, 0.953],
};

async function start(): Promise<void> {
  watchErrors();
  const theme = new ThemeSwitch();
  const view = new VolumeView(byId<HTMLCanvasElement>("volume"));
  const labels = new TileLabels(byId("tile-labels"));
  view.onLayout = (tiles) => labels.show(tiles);
  let explorer: Explorer | null = null;
  const controls = new VolumeControls(
    view,
    (opacity) => explorer?.setOpacity(opacity),
    (on) => explorer?.setRendering(on),
  );
  const tint = (): void => {
    view.setBackground(BACKGROUND[theme.theme], [0.9, 0.62, 0]);
    explorer?.themeChanged();
  };
  let attached: Promise<void> | null = null;
  // It compiles for a second or two and lets nothing else run meanwhile, so requests come before.
  const attach = (): Promise<void> =>
    (attached ??= view.attach().then(() => {
      theme.onChange = tint;
      tint();
    }));
  const results = await listResults();
  byId("theme").addEventListener("click", () => theme.flip());
  byId("help").addEventListener("click", () => byId<HTMLDialogElement>("help-dialog").showModal());

  const open = async (result: ResultSummary): Promise<void> => {
    explorer?.close();
    explorer = null;
    byId("loading").hidden = false;
    document.body.dataset.ready = "false";
    document.title = `${result.name} – gyrovox explorer`;
    explorer = await Explorer.open(result, view, attach, controls, () => void open(result).catch(failed));
    explorer.setOpacity(controls.opacityNow);
    byId("loading").hidden = true;
    // Two frames later everything has been drawn.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    performance.mark("gyrovox:first-picture");
    document.body.dataset.ready = "true";
  };
  choose(results, (result) => void open(result).catch(failed));
  const wanted = results[Number(location.hash.slice(1)) || 0] ?? results[0];
  if (!wanted) failed(new Error("There is no result in this folder. Run `gyrovox segment` first."));
  else await open(wanted);
}

function choose(results: ResultSummary[], opened: (result: ResultSummary) => void): void {
  const select = byId<HTMLSelectElement>("result");
  byId("chooser").hidden = results.length < 2;
  select.replaceChildren(
    ...results.map((result) => {
      const option = element("option", "", result.name);
      option.value = String(result.index);
      option.selected = result.index === (Number(location.hash.slice(1)) || 0);
      return option;
    }),
  );
  select.addEventListener("change", () => {
    history.replaceState(null, "", `#${select.value}`);
    opened(results[Number(select.value)]);
  });
}

function failed(error: unknown): void {
  byId("loading").hidden = true;
  tellError(error);
}

start().catch(failed);
