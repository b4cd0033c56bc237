// Makes the form pleasant: files can be dropped, progress shows, the result comes in place. Without it the form works as it is.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("upload"), file = byId("file"), drop = byId("drop"), send = byId("send"), cancel = byId("cancel");
  const working = byId("working"), stage = byId("stage"), progress = byId("progress"), said = byId("said"), problem = byId("problem");
  const most = Number(form.dataset.mostBytes);
  let request = null;

  const text = (zh, en) => {
    const english = document.createElement("span");
    english.className = "en";
    english.lang = "en";
    english.textContent = en;
    return [zh + " ", english];
  };
  const complain = (zh, en) => {
    problem.replaceChildren(...text(zh, en));
    file.setAttribute("aria-invalid", "true");
    file.focus();
  };
  const forget = () => {
    problem.replaceChildren();
    file.removeAttribute("aria-invalid");
  };
  const show = (zh, en, percent) => {
    stage.replaceChildren(...text(zh, en));
    if (percent === null) {
      progress.removeAttribute("value");
    } else {
      progress.value = percent;
    }
  };
  const say = (zh, en) => said.replaceChildren(...text(zh, en));
  const busy = (now) => {
    working.hidden = cancel.hidden = !now;
    send.disabled = now;
    form.setAttribute("aria-busy", String(now));
  };

  const finish = (answer) => {
    const found = answer && answer.getElementById("result");
    busy(false);
    request = null;
    said.replaceChildren();
    if (!found) {
      complain("没有收到答复，请稍后再试。", "No answer came. Please try again later.");
      return;
    }
    byId("outcome").replaceChildren(document.adoptNode(found));
    document.title = answer.title;
    const shown = byId("result");
    shown.focus();
    shown.scrollIntoView({ block: "start" });
  };

  const upload = (chosen) => {
    forget();
    if (chosen.size > most) {
      complain("文件太大，电子保单不超过 32 MiB。", "The file is too large: a policy is never larger than 32 MiB.");
      return;
    }
    if (chosen.size === 0) {
      complain("文件是空的，请重新选择。", "The file is empty. Choose another one.");
      return;
    }
    byId("outcome").replaceChildren();
    busy(true);
    show("正在上传…", "Uploading…", 0);
    say("正在上传", "Uploading");
    const body = new FormData();
    body.append("file", chosen, chosen.name);
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable && event.loaded < event.total) {
        const percent = Math.floor((100 * event.loaded) / event.total);
        show(`正在上传 ${percent}%`, `Uploading ${percent}%`, percent);
      }
    });
    request.upload.addEventListener("load", () => {
      show("正在验真…", "Verifying…", null);
      say("正在验真", "Verifying");
    });
    request.addEventListener("load", () => finish(request.responseXML || request.response));
    request.addEventListener("error", () => finish(null));
    request.addEventListener("abort", () => {
      busy(false);
      request = null;
      say("已取消", "Cancelled");
      file.focus();
    });
    request.send(body);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (request) {
      return;
    }
    if (!file.files.length) {
      complain("请先选择 PDF 文件。", "Choose a PDF file first.");
      return;
    }
    upload(file.files[0]);
  });
  cancel.addEventListener("click", () => request && request.abort());
  file.addEventListener("change", forget);

  form.querySelector(".dropline").hidden = false;
  let depth = 0;
  const over = (now) => drop.classList.toggle("over", now);
  // Anywhere on the page: a file that misses the box would otherwise take the page's place.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("dragenter", () => over(++depth > 0));
  document.addEventListener("dragleave", () => over(--depth > 0));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    over(false);
    const dropped = event.dataTransfer.files;
    if (request || !dropped.length) {
      return;
    }
    if (dropped.length > 1) {
      complain("一次只能验一份文件。", "One file at a time, please.");
      return;
    }
    file.files = dropped;
    upload(dropped[0]);
  });
  const shown = byId("result");
  if (shown) {
    shown.focus();
  }
})();
