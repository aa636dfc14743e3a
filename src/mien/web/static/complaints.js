// What the server refuses or finds wrong, in the language of the page: its own lines are English, so a page in another one says before them
// what is the matter.

import { language, say } from "./words.js";

// By the code of an error, where it depends on what was sent with that before it; `other` is for codes without words of their own.
const LEADS = {
  ru: {
    picture_too_large: "снимок больше, чем читает этот сервер",
    picture_unreadable: "не читается как снимок: файл повреждён или другого вида",
    url_too_large: "снимок больше, чем читает этот сервер",
    url_video: "по этому адресу видео, а не снимок",
    url_missing: "снимок по этому адресу не удалось получить или прочитать",
    url_refused: "снимок по этому адресу не удалось получить или прочитать",
    url_unreadable: "снимок по этому адресу не удалось получить или прочитать",
    video_too_large: "видео больше или длиннее, чем читает этот сервер",
    video_unreadable: "не читается как видео: файл повреждён или другого вида",
    no_frames: "в этом видео нет ни одного кадра",
    videos_sending: "сейчас на сервер загружают столько видео, сколько он принимает сразу; попробуйте позже",
    videos_waiting: "в очереди столько видео, сколько принимает этот сервер; попробуйте позже",
    cameras_full: "сервер уже читает столько камер, сколько может; попробуйте позже",
    camera_too_large: "кадр больше, чем читает этот сервер",
    camera_unreadable: "кадр не читается",
    idle: "сервер долго не получал кадров и закрыл связь; включите камеру снова",
    session_name: "сеанс не может так называться",
    store: "хранилище сеансов сейчас не работает",
    not_erased: "сеанс удалён, но его данные пока не удалось стереть с диска",
    not_found: "на сервере этого уже нет",
    silent: "сервер долго ничего не получал и перестал ждать",
    no_room: "сервер не может это сохранить: возможно, на его диске нет места",
    fault: "ошибка в mien или в подключённом модуле",
    extra_missing: "на сервере установлено не всё, что для этого нужно",
    other: "сервер отказал",
    server_says: "Сервер говорит:",
  },
};
const WHOLE = { picture_video: "is_video", video_picture: "is_picture" }; // the page's own words say all of it

// error: {message, code}, the latter missing where there is none. sent: picture, url, video or camera. name: of what was sent, said once.
export const complaint = ({ message, code }, sent = "", name = "") => {
  const line = message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  const told = code ? inWords(line, code, `${sent}_${code}`) : line;
  return name ? `${name}: ${told}` : told.replace(/^./u, (letter) => letter.toUpperCase());
};

const inWords = (line, code, sent) => {
  if (WHOLE[sent]) return say(WHOLE[sent]);
  const leads = LEADS[language()];
  return leads ? `${leads[sent] ?? leads[code] ?? leads.other}. ${leads.server_says} ${line}` : line;
};
