// Every word of the page, in both languages, and how numbers and times are written; those before the server's own lines are in complaints.js.

const WORDS = {
  en: {
    tagline: "Reads the expression a face shows",
    language: "Language",
    tabs: "Inputs",
    tab_pictures: "Pictures",
    tab_videos: "Videos",
    tab_camera: "Camera",
    tab_sessions: "Sessions",
    limits: "mien reads the expression shown, not what a person feels. Pictures and frames are not kept; what came of a video is erased after a while.",
    api: "API",
    version: "mien {version}",
    gone: "The server does not answer. Is mien serve still running?",
    again: "Try again",
    token_wanted: "The server wants its token: load this page anew to enter it.",

    options: "Options",
    option_model: "Model",
    option_detector: "Detector",
    option_affect: "Valence and arousal",
    affect_model: "as the model says",
    affect_none: "none",
    affect_adfes2011: "from emotions (ADFES 2011)",
    affect_crowd: "from emotions (raters of AffectNet)",
    affect_legacy: "from emotions (earlier projects' table)",
    option_captions: "Captions in",
    as_page: "the language of the page",
    option_colour: "Colour by",
    colour_emotion: "emotion",
    colour_valence: "valence",
    option_va: "Valence and arousal in captions",
    option_anonymize: "Hide faces in annotated pictures and videos",

    drop_pictures: "Drop pictures here",
    choose_pictures: "Choose pictures",
    paste_hint: "or paste one from the clipboard",
    url: "Address of a picture",
    analyze: "Read",
    pasted: "pasted picture",
    reading: "Reading…",
    waiting: "Waiting…",
    reading_n: "Reading {n} of {of}…",
    pictures_read: { one: "{n} picture read, {faces}", other: "{n} pictures read, {faces}" },
    not_read: { one: "{n} could not be read", other: "{n} could not be read" },
    all_pictures: "All of them:",
    clear: "Clear",
    remove: "Remove",
    remove_named: "Remove {name}",
    annotated: "Annotated JPEG",
    download_failed: "could not be downloaded",
    faces: { one: "{n} face", other: "{n} faces" },
    of_them_unsure: "{n} unsure",
    no_face: "No face found",
    too_big: "{size}; at most {most} MB",
    unreadable: "cannot be read from the disk",
    is_video: "a video: choose it in the tab Videos",
    is_picture: "a picture: choose it in the tab Pictures",

    face: "Face {n}",
    person: "Person {n}",
    unsure: "unsure",
    unsure_because: "Unsure: {reasons}",
    faces_of: "Faces in {name}",
    valence: "valence",
    arousal: "arousal",
    affect_from: "Valence and arousal from {source}, −1 to 1",
    held: "The emotion named changes only when another one leads for a while.",

    drop_videos: "Drop a video here",
    choose_video: "Choose a video",
    video_annotated: "annotated video too",
    video_every: "Take a frame every … seconds",
    every_frame: "each frame",
    start_upload: "Upload and read",
    uploading: "Uploading…",
    queued: "Waiting for its turn…",
    running: "Reading…",
    done: "Done",
    failed: "Failed",
    frames: { one: "{n} frame", other: "{n} frames" },
    seconds_of: "{at} of {whole} s",
    seconds: "{at} s",
    next_try: "Next try at {time}.",
    cancel: "Cancel",
    delete_now: "Delete now",
    erased_at: "Results are erased at {time}.",
    page_of: "Page of {name}",
    open_page: "Open in a new tab",
    video_gone: "The results are no longer there: they were erased.",
    video_lost: "The server has this video no more: it was erased, or the server was started anew before it was read. Upload it again to have it read.",
    link_video: "Annotated video",
    missed: {
      one: "In {n} frame a followed face was not found; hidden is where it was last and may have moved to. Look at the video before you show it.",
      other: "In {n} frames a followed face was not found; hidden is where it was last and may have moved to. Look at the video before you show it.",
    },
    confirm_video: "Stop and erase {name}?",

    camera_about: "Frames go to the server of mien, are read and forgotten. The camera is switched off when you stop, change the tab or hide the page.",
    camera_start: "Start camera",
    camera_stop: "Stop",
    camera_choose: "Camera",
    camera_n: "Camera {n}",
    session_name: "Record as session",
    session_hint: "a name (optional)",
    recording: "recording as {name}",
    camera_insecure: "Browsers give the camera only to pages from https:// or from localhost. Open this page as http://localhost{port} on the machine where mien serve runs, or start mien serve with a certificate (https).",
    camera_denied: "The browser did not allow the camera. Allow it beside the address, then start again.",
    camera_none: "No camera was found.",
    camera_busy: "The camera could not be opened. Is another program using it?",
    camera_gone: "The camera was taken away. Start again when it is back.",
    camera_starting: "Starting…",
    camera_hidden: "Stopped, since the page was hidden.",
    not_recorded: "{name} is not recorded any more: the store of sessions failed. The view goes on.",
    not_recorded_deleted: "{name} is not recorded any more: the session was deleted. The view goes on.",
    socket_closed: "The connection to the server ended, so the camera was stopped. Start again to go on.",
    rate: "{rate} frames/s, {ms} ms each",
    shown_now: { one: "{n} face in sight", other: "{n} faces in sight" },
    choose_person: "Click a box to choose a person.",
    chart_emotions: "Expression shown, last 60 s",
    chart_affect: "Valence and arousal, last 60 s",
    chart_alt: "Line chart of the last 60 seconds; the values now are in the list beside it.",
    chart_seconds: "s",

    sessions_about: "Recorded from cameras and by the command line: numbers only, no pictures.",
    refresh: "Refresh",
    no_sessions: "No sessions yet. Record one in the tab Camera, or by mien live 0 --session NAME.",
    column_id: "No.",
    column_name: "Name",
    column_started: "Started",
    column_state: "State",
    column_frames: "Frames",
    column_faces: "Faces",
    column_rows: "Rows",
    column_actions: "Actions",
    state_running: "running",
    state_finished: "finished",
    "state_broken off": "broken off",
    open: "Open",
    delete: "Delete",
    action_on: "{action}: {name}",
    close: "Close",
    confirm_session: "Delete session {id}, {name}, for good?",
    confirm_running: "Session {id}, {name}, is being recorded now. Delete it for good? The recording ends then.",
  },
  ru: {
    tagline: "Читает выражение, которое видно на лице",
    language: "Язык",
    tabs: "Что читать",
    tab_pictures: "Снимки",
    tab_videos: "Видео",
    tab_camera: "Камера",
    tab_sessions: "Сеансы",
    limits: "mien говорит, какое выражение видно на лице, а не что человек чувствует. Снимки и кадры не сохраняются; результаты видео через некоторое время стираются.",
    api: "API",
    version: "mien {version}",
    gone: "Сервер не отвечает. Работает ли ещё mien serve?",
    again: "Попробовать снова",
    token_wanted: "Серверу нужен его токен: загрузите страницу заново, чтобы ввести его.",

    options: "Настройки",
    option_model: "Модель",
    option_detector: "Детектор",
    option_affect: "Валентность и возбуждение (активация)",
    affect_model: "как говорит модель",
    affect_none: "не вычислять",
    affect_adfes2011: "из эмоций (ADFES 2011)",
    affect_crowd: "из эмоций (разметчики AffectNet)",
    affect_legacy: "из эмоций (таблица прежних проектов)",
    option_captions: "Язык подписей",
    as_page: "как у страницы",
    option_colour: "Цвет означает",
    colour_emotion: "эмоцию",
    colour_valence: "валентность",
    option_va: "Валентность и возбуждение в подписях",
    option_anonymize: "Скрывать лица на размеченных снимках и видео",

    drop_pictures: "Перетащите снимки сюда",
    choose_pictures: "Выбрать снимки",
    paste_hint: "или вставьте из буфера обмена",
    url: "Адрес снимка",
    analyze: "Прочитать",
    pasted: "вставленный снимок",
    reading: "Читаем…",
    waiting: "В очереди…",
    reading_n: "Читаем {n} из {of}…",
    pictures_read: {
      one: "Прочитан {n} снимок, {faces}",
      few: "Прочитано {n} снимка, {faces}",
      many: "Прочитано {n} снимков, {faces}",
      other: "Прочитано {n} снимка, {faces}",
    },
    not_read: { one: "{n} не удалось прочитать", other: "{n} не удалось прочитать" },
    all_pictures: "Все вместе:",
    clear: "Очистить",
    remove: "Убрать",
    remove_named: "Убрать {name}",
    annotated: "JPEG с разметкой",
    download_failed: "не удалось скачать",
    faces: { one: "{n} лицо", few: "{n} лица", many: "{n} лиц", other: "{n} лица" },
    of_them_unsure: "ненадёжных: {n}",
    no_face: "Лицо не найдено",
    too_big: "{size}; можно не больше {most} МБ",
    unreadable: "не читается с диска",
    is_video: "это видео: выберите его на вкладке «Видео»",
    is_picture: "это снимок: выберите его на вкладке «Снимки»",

    face: "Лицо {n}",
    person: "Человек {n}",
    unsure: "ненадёжно",
    unsure_because: "Ненадёжно: {reasons}",
    faces_of: "Лица на {name}",
    valence: "валентность",
    arousal: "возбуждение",
    affect_from: "Валентность и возбуждение: {source}, от −1 до 1",
    held: "Названная эмоция меняется, только когда другая какое-то время впереди.",

    drop_videos: "Перетащите видео сюда",
    choose_video: "Выбрать видео",
    video_annotated: "и видео с разметкой",
    video_every: "Брать кадр каждые … с",
    every_frame: "каждый кадр",
    start_upload: "Загрузить и прочитать",
    uploading: "Загружаем…",
    queued: "Ждёт своей очереди…",
    running: "Читаем…",
    done: "Готово",
    failed: "Не удалось",
    frames: { one: "{n} кадр", few: "{n} кадра", many: "{n} кадров", other: "{n} кадра" },
    seconds_of: "{at} из {whole} с",
    seconds: "{at} с",
    next_try: "Следующая попытка в {time}.",
    cancel: "Отменить",
    delete_now: "Удалить сейчас",
    erased_at: "Результаты будут стёрты в {time}.",
    page_of: "Страница: {name}",
    open_page: "Открыть в новой вкладке",
    video_gone: "Результатов больше нет: они стёрты.",
    video_lost: "Этого видео на сервере больше нет: оно стёрто, или сервер запустили заново, не дочитав его. Загрузите его снова, чтобы прочитать.",
    link_video: "Видео с разметкой",
    missed: {
      one: "В {n} кадре лицо не найдено; скрыто место, где оно было и куда могло сместиться. Посмотрите видео, прежде чем показывать его.",
      few: "В {n} кадрах лицо не найдено; скрыто место, где оно было и куда могло сместиться. Посмотрите видео, прежде чем показывать его.",
      many: "В {n} кадрах лицо не найдено; скрыто место, где оно было и куда могло сместиться. Посмотрите видео, прежде чем показывать его.",
      other: "В {n} кадра лицо не найдено; скрыто место, где оно было и куда могло сместиться. Посмотрите видео, прежде чем показывать его.",
    },
    confirm_video: "Остановить и стереть {name}?",

    camera_about: "Кадры идут на сервер mien, читаются и забываются. Камера выключается, когда вы останавливаете её, меняете вкладку или скрываете страницу.",
    camera_start: "Включить камеру",
    camera_stop: "Стоп",
    camera_choose: "Камера",
    camera_n: "Камера {n}",
    session_name: "Записать как сеанс",
    session_hint: "имя (необязательно)",
    recording: "идёт запись: {name}",
    camera_insecure: "Браузеры дают камеру только страницам с https:// или с localhost. Откройте эту страницу как http://localhost{port} на машине, где работает mien serve, или запустите mien serve с сертификатом (https).",
    camera_denied: "Браузер не разрешил камеру. Разрешите её рядом с адресом и включите снова.",
    camera_none: "Камера не найдена.",
    camera_busy: "Камеру не удалось открыть. Может быть, она занята другой программой?",
    camera_gone: "Камера отключилась. Включите снова, когда она вернётся.",
    camera_starting: "Включаем…",
    camera_hidden: "Остановлено: страница была скрыта.",
    not_recorded: "{name} больше не записывается: хранилище сеансов не работает. Просмотр продолжается.",
    not_recorded_deleted: "{name} больше не записывается: сеанс удалён. Просмотр продолжается.",
    socket_closed: "Связь с сервером прервалась, поэтому камера остановлена. Включите снова, чтобы продолжить.",
    rate: "{rate} кадров/с, {ms} мс на кадр",
    shown_now: { one: "В кадре {n} лицо", few: "В кадре {n} лица", many: "В кадре {n} лиц", other: "В кадре {n} лица" },
    choose_person: "Щёлкните по рамке, чтобы выбрать человека.",
    chart_emotions: "Какое выражение видно, последние 60 с",
    chart_affect: "Валентность и возбуждение, последние 60 с",
    chart_alt: "График последних 60 секунд; значения сейчас — в списке рядом.",
    chart_seconds: "с",

    sessions_about: "Записаны с камер и из командной строки: только числа, без снимков.",
    refresh: "Обновить",
    no_sessions: "Сеансов пока нет. Запишите на вкладке «Камера» или командой mien live 0 --session ИМЯ.",
    column_id: "№",
    column_name: "Имя",
    column_started: "Начало",
    column_state: "Состояние",
    column_frames: "Кадры",
    column_faces: "Лица",
    column_rows: "Строки",
    column_actions: "Действия",
    state_running: "идёт",
    state_finished: "завершён",
    "state_broken off": "прерван",
    open: "Открыть",
    delete: "Удалить",
    action_on: "{action}: {name}",
    close: "Закрыть",
    confirm_session: "Удалить сеанс {id}, {name}, насовсем?",
    confirm_running: "Сеанс {id}, {name}, сейчас записывается. Удалить его насовсем? Запись на этом закончится.",
  },
};

const KEPT = "mien.language"; // the one thing that the browser keeps for good
const listeners = [];
let current = "en";
let vocabulary = { emotions: {}, reasons: {} };

export const language = () => current;
export const onLanguage = (listener) => listeners.push(listener);

export const say = (key, values = {}, lang = current) => {
  const entry = WORDS[lang][key] ?? key;
  const text = typeof entry === "string" ? entry : (entry[new Intl.PluralRules(lang).select(values.n)] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => (typeof values[name] === "number" ? number(values[name]) : values[name]));
};

// Names of emotions and reasons come from the server, so that they are those of the annotated pictures.
export const setVocabulary = ({ emotions, reasons }) => {
  vocabulary = { emotions: Object.fromEntries(emotions.map((entry) => [entry.name, entry])), reasons };
};
export const emotionWord = (name, lang = current) => vocabulary.emotions[name]?.[lang] ?? name;
export const reasonWords = (reasons, lang = current) =>
  reasons.split(";").filter(Boolean).map((code) => vocabulary.reasons[code]?.[lang] ?? code).join(", ");

export const number = (value, least = 0, most = least) =>
  value.toLocaleString(current, { minimumFractionDigits: least, maximumFractionDigits: most });
export const percent = (share) => `${Math.round(share * 100)}\u00a0%`;
export const signed = (value, digits = 2) => (value < 0 ? "\u2212" : "+") + number(Math.abs(value), digits);
export const megabytes = (bytes) => `${number(bytes / 1e6, 1)}\u00a0${current === "ru" ? "МБ" : "MB"}`;
export const clock = (time, more = {}) => new Date(time).toLocaleTimeString(current, { hour: "2-digit", minute: "2-digit", ...more });
export const moment = (iso) => new Date(iso).toLocaleString(current, { dateStyle: "medium", timeStyle: "short" });

// A message about a thing, which may begin with its name already.
export const about = (name, message) => (message.startsWith(name) ? message : `${name}: ${message}`);

// Elements say which words they hold: data-say is their text, the others attributes.
const ATTRIBUTES = { sayLabel: "aria-label", sayPlaceholder: "placeholder", sayTitle: "title" };
const spell = () => {
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const [key, attribute] of Object.entries(ATTRIBUTES)) {
    const selector = `[data-${key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase())}]`;
    for (const element of document.querySelectorAll(selector)) element.setAttribute(attribute, say(element.dataset[key]));
  }
};

export const setLanguage = (lang, { keep = false } = {}) => {
  current = lang in WORDS ? lang : "en";
  if (keep) {
    try {
      localStorage.setItem(KEPT, current);
    } catch {
      // storage is switched off: the choice lasts as long as the page
    }
  }
  spell();
  listeners.forEach((listener) => listener());
};

export const keptLanguage = () => {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
};

// The first of the browser's languages that the page is written in, as the page that asks for the token has it.
export const browserLanguage = () => navigator.languages.map((tag) => tag.split("-")[0].toLowerCase()).find((lang) => lang in WORDS);
