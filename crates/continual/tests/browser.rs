//! The report in a browser: Debian's `chromium`, without a window. Skipped where there is none, with one line,
//! unless `CONTINUAL_TEST_BROWSER` is set.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

#[path = "report/made.rs"]
mod made;

use continual::report::{Origin, Report};
use made::{Made, line, write};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The first of the usual names that runs; where none does one line says so, past whatever captures output.
fn browser() -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    let runs = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = *FOUND.get_or_init(|| {
        let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(runs);
        if found.is_none() {
            let mut out = std::io::stderr();
            writeln!(out, "skipped: no chromium, so the report is not opened in a browser")
                .unwrap();
        }
        found
    });
    let is_asked_for = std::env::var_os("CONTINUAL_TEST_BROWSER").is_some();
    assert!(
        found.is_some() || !is_asked_for,
        "CONTINUAL_TEST_BROWSER is set, and there is no chromium"
    );
    found
}

/// Opens a page, `options` beside the usual ones. One browser at a time; one that hangs, as happens before a page
/// is loaded, is ended and another one started.
fn open(browser: &str, page: &Path, options: &[&str]) -> Output {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let output =
        (0..4).find_map(|_| try_open(browser, page, options)).expect("a browser that ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Half a minute, in a profile of its own; `None` where that did not do.
fn try_open(browser: &str, page: &Path, options: &[&str]) -> Option<Output> {
    let profile = tempfile::tempdir().unwrap();
    // Into files: processes that the browser leaves behind may keep a pipe open.
    let (out, err) = (profile.path().join("out"), profile.path().join("err"));
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--hide-scrollbars", "--no-first-run", "--disable-extensions", "--mute-audio"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-breakpad",
        ])
        .arg("--enable-logging=stderr")
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .args(options)
        .arg(format!("file://{}", page.display()))
        .env("HOME", profile.path())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    for _ in 0..300 {
        if let Some(status) = child.try_wait().unwrap() {
            let (stdout, stderr) = (fs::read(out).unwrap(), fs::read(err).unwrap());
            return Some(Output { status, stdout, stderr });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// What the console of the page says.
fn console(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n")
}

const STRATEGIES: [&str; 8] = ["none", "joint", "er", "ewc", "si", "xdg+ewc", "fromp", "icarl"];

/// Two rankings of strategies in three contexts, over seven seeds.
fn report() -> (tempfile::TempDir, PathBuf) {
    let mut lines = Vec::new();
    for scenario in ["task", "class"] {
        for (at, strategy) in STRATEGIES.into_iter().enumerate() {
            for seed in 0..7_u64 {
                let value = |i: usize, j: usize| {
                    let luck = ((seed + 3) * (at as u64 + 2) * (i + 2 * j + 1) as u64 % 17) as f64;
                    let kept = if i < j { 0.3 } else { 0.97 - 0.05 * (at * (i - j)) as f64 };
                    kept - luck / 300.0
                };
                let row = |i: usize| (0..3).map(|j| value(i, j)).collect::<Vec<f64>>();
                let matrix = match strategy {
                    "joint" => vec![vec![0.98 - seed as f64 / 500.0; 3]],
                    _ => (0..3).map(row).collect(),
                };
                let made = Made { strategy, scenario, seed, matrix, ..Made::default() };
                let costs = [
                    ("\"bytes_kept\":1000", 1000 * at * at),
                    ("\"macs\":5000000", 4_000_000 * (at + 1)),
                ];
                let mut text = line(&made);
                for (from, to) in costs {
                    let name = from.split(':').next().unwrap();
                    text = text.replace(from, &format!("{name}:{to}"));
                }
                lines.push(text);
            }
        }
    }
    let folder = write(&lines);
    let origin = Origin {
        command: "continual bench --scenario task,class --seeds 7".to_owned(),
        file: None,
        machine: "a machine".to_owned(),
        remarks: Vec::new(),
    };
    origin.write(folder.path()).unwrap();
    let page = Report::read(folder.path()).unwrap().write().unwrap();
    (folder, page)
}

/// A copy of the page with one more script, which its policy would not let run.
fn with_script(page: &Path, script: &str) -> PathBuf {
    let text = fs::read_to_string(page).unwrap();
    let start = text.find("<meta http-equiv").unwrap();
    let end = start + text[start..].find('>').unwrap() + 1;
    let text = format!("{}{}", &text[..start], &text[end..]);
    let (front, back) = text.rsplit_once("</body>").unwrap();
    let path = page.with_file_name("tried.html");
    fs::write(&path, format!("{front}<script>{script}</script></body>{back}")).unwrap();
    path
}

/// What the script put into the page as the text of `id=\"outcome\"`, line by line.
fn outcome(browser: &str, page: &Path, script: &str) -> Vec<String> {
    let script = format!(
        "const told = []; const tell = (...all) => told.push(all.join(' '));
         const all = (selector, root = document) => [...root.querySelectorAll(selector)];
         try {{ {script} }} catch (error) {{ tell('failed', error); }}
         const place = document.createElement('pre'); place.id = 'outcome'; place.textContent = told.join('\\n');
         document.body.append(place);"
    );
    let output = open(browser, &with_script(page, &script), &["--dump-dom"]);
    assert_eq!(console(&output), "");
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, told) = text.rsplit_once("<pre id=\"outcome\">").unwrap();
    told.split("</pre>").next().unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_page_opens_without_a_word_on_the_console() {
    let Some(browser) = browser() else { return };
    let (_folder, page) = report();
    let output = open(browser, &page, &["--dump-dom"]);
    assert_eq!(console(&output), "");
    let text = String::from_utf8(output.stdout).unwrap();
    // The script has run under the page's own policy: heads of tables became buttons.
    assert!(text.contains("class=\"js\"") && text.contains("<button type=\"button\">strategy"));
    // The console would be read: a script that fails there is seen, and one from outside does not run.
    let text = fs::read_to_string(&page).unwrap();
    let foreign = page.with_file_name("foreign.html");
    fs::write(
        &foreign,
        text.replace("</body>", "<script>document.title = 'taken'</script></body>"),
    )
    .unwrap();
    let output = open(browser, &foreign, &["--dump-dom"]);
    assert!(console(&output).contains("Content Security Policy"), "{}", console(&output));
    assert!(!String::from_utf8(output.stdout).unwrap().contains("<title>taken"));
}

#[test]
fn a_click_on_a_head_sorts_and_another_one_turns_the_order() {
    let Some(browser) = browser() else { return };
    let (_folder, page) = report();
    let told = outcome(
        browser,
        &page,
        "const table = document.querySelector('#b0 table');
         const order = () => all('tbody tr', table).map((row) => row.dataset.name).join(',');
         const click = (name) => all('thead th', table).find((head) => head.textContent.startsWith(name))
             .querySelector('button').click();
         tell(order());
         click('kept'); tell(order());
         click('kept'); tell(order());
         click('final'); tell(order());
         click('against'); tell(order());
         click('strategy'); tell(order(), all('[aria-sort]', table).length);",
    );
    let ranked = "joint,none,er,ewc,si,xdg+ewc,fromp,icarl";
    let ranking = &told[0];
    let mut sorted: Vec<&str> = ranking.split(',').collect();
    sorted.sort_unstable();
    let mut expected = STRATEGIES.to_vec();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    // Bytes grow with the place in the list of strategies.
    assert_eq!(told[1], STRATEGIES.join(","), "{ranked}");
    assert_eq!(told[2], STRATEGIES.iter().rev().copied().collect::<Vec<_>>().join(","));
    assert_eq!(told[3], *ranking);
    // Rows without a value stay last, baselines have none.
    assert!(told[4].ends_with("none,joint") || told[4].ends_with("joint,none"), "{}", told[4]);
    assert!(told[5].ends_with(" 1"), "{}", told[5]);
}

#[test]
fn a_filter_keeps_the_rows_and_marks_of_the_strategies_it_names() {
    let Some(browser) = browser() else { return };
    let (_folder, page) = report();
    let told = outcome(
        browser,
        &page,
        "const field = document.getElementById('filter');
         const seen = (selector) => all(selector).filter((it) => it.getBoundingClientRect().height > 0).length;
         const type = (text) => { field.value = text; field.dispatchEvent(new Event('input')); };
         const count = () => tell(seen('#b0 tbody tr'), seen('#b0 .matrix'), seen('#b1 figure .s.off'),
             document.getElementById('shown').textContent);
         count(); type('EWC, icarl'); count(); type('nothing like it'); count(); type(''); count();",
    );
    let all = "8 8 0 ";
    assert_eq!(told, [all, "3 3 0 3 shown", "0 0 0 0 shown", all]);
}

#[test]
fn a_strategy_stands_out_where_it_is_and_a_plot_is_saved_with_its_style() {
    let Some(browser) = browser() else { return };
    let (_folder, page) = report();
    let told = outcome(
        browser,
        &page,
        "const row = document.querySelector('#b0 tbody tr[data-name=er]');
         row.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
         tell(all('#b0 figure .s.on').length, all('.plot .s.on').every((it) => it.dataset.s === row.dataset.s));
         row.querySelector('td').click();
         document.body.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
         tell(all('#b0 tbody tr.on').length);
         row.querySelector('td').click();
         tell(all('.on[data-s]').length);
         const blobs = [];
         URL.createObjectURL = (blob) => { blobs.push(blob); return 'data:,'; };
         all('#b0 figure').forEach((figure) => figure.querySelector('button').click());
         tell(blobs.length, blobs.every((blob) => blob.size > 3000 && blob.type === 'image/svg+xml'));
         tell(all('a[download]').every((link) => decodeURIComponent(link.href).includes('strategy,')));",
    );
    assert_eq!(told, ["6 true", "1", "0", "6 true", "true"]);
}

/// Nothing is wider than a phone, and pictures are made at both widths, in light and dark.
#[test]
fn a_page_fits_a_phone_and_a_desk_in_light_and_dark() {
    let Some(browser) = browser() else { return };
    let (folder, page) = report();
    let told = outcome(
        browser,
        &page,
        "const frame = document.createElement('iframe'); frame.style.cssText = 'border:0;width:390px;height:800px';
         frame.srcdoc = '<!doctype html>' + document.documentElement.outerHTML.replace(/<script.*<\\/script>/gs, '');
         document.body.append(frame);
         frame.contentDocument.open(); frame.contentDocument.write(frame.srcdoc); frame.contentDocument.close();
         const inner = frame.contentDocument.documentElement;
         tell(inner.clientWidth, inner.scrollWidth);",
    );
    assert_eq!(told, ["390 390"]);
    let kept = std::env::var_os("CONTINUAL_TEST_BROWSER_PICTURES").map(PathBuf::from);
    let kept = kept.as_deref().unwrap_or(folder.path());
    for (name, size, scheme) in [
        ("phone-light", "390,4200", "1"),
        ("phone-dark", "390,4200", "0"),
        ("desk-light", "1400,3400", "1"),
        ("desk-dark", "1400,3400", "0"),
    ] {
        let path = kept.join(format!("{name}.png"));
        let picture = format!("--screenshot={}", path.display());
        let (size, scheme) = (
            format!("--window-size={size}"),
            format!("--blink-settings=preferredColorScheme={scheme}"),
        );
        let output = open(browser, &page, &[&picture, &size, &scheme]);
        assert_eq!(console(&output), "");
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 50_000, "{name}: {}", bytes.len());
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(format!("--window-size={},{}", number(16), number(20)), size);
    }
}
