"""What the pages of studies say, by language."""

from __future__ import annotations

from mien.report.words import words
from mien.study.viewer import REASONS

_ENGLISH: dict[str, str] = {
    "then": ",",
    # a film
    "reaction_meta": "viewers: {n} · {film} of film in steps of {step} s",
    "affect_film": "Valence and arousal over the film",
    "moments": "Moments that the viewers shared",
    "expressions": "Each expression over the film",
    "parts": "Parts of the film",
    "groups": "Groups compared",
    "viewers": "Viewers",
    "how": "How this was worked out",
    "few_viewers": "Viewers who count: {n}. With fewer than {least} there are no intervals and no tests.",
    "rare_shown": "With {n} viewers the intervals of what hardly any of them shows are too narrow: nobody of so few may show it.",
    "not_counted": "Left out: {names}.",
    "uneven_groups": "The groups were seen for different shares of the film (on average from {low} to {high}).",
    "uneven_viewers": "{n} of {of} viewers could be seen for less than {share} of the film.",
    "as_if_seen": "Means over the whole film are over what {least} or more of the viewers saw, and as if all had seen that. That supposes "
    "that what a viewer missed would have moved this viewer as it moved the others.",
    "only_seen": "Means over the whole film are over what {least} or more of the viewers saw.",
    "sets_apart": "Some viewers saw nothing in common with others that {least} or more saw, not through third ones either. Means over the "
    "whole film are then over what each such set of viewers saw, and that of all is not of one film; groups are compared within the "
    "largest set alone.",
    "counted": "viewer counts|viewers count",
    "n_not_counted": "{n} left out",
    "of_film": "of film",
    "n_steps": "{n} step|{n} steps",
    "shared": "shared moment|shared moments",
    "p_corrected": "p ≤ {alpha}, corrected",
    "untested_few": "not tested (fewer than {least} viewers)",
    "untested_short": "not tested (the film is a single step)",
    "film_seen": "of the film seen",
    "film_seen_mean": "with a sure face, on average",
    "affect_note": "Mean over the viewers who showed a sure face then ({n} of them) and its 95 % interval at each moment for itself.",
    "moment_up": "shared moment, upwards",
    "moment_down": "shared moment, downwards",
    "n_to": "{low} to {high}",
    "film_time": "time of the film",
    "alt_film": "{what} over the film: {names}",
    "mixed_models": "More than one model read these faces ({names}): what differs between them looks like a difference between people. "
    "Read all recordings with one.",
    "moments_note": "Stretches in which the viewers departed together, to the same side, from what each typically shows. That is a "
    "straight line through each viewer's own values when the viewers together show what they do most of the film, so that who tires or "
    "warms to it all along departs from nothing. p is of the departure: the chance of so large a stretch, in any measure and at any time, "
    "had the film not told them when (each viewer's curve is turned by a random time, again and again), corrected for all that was looked "
    "at.",
    "moments_rows": "Where a stretch begins and ends is less sure than that there is one. Measures whose stretches overlap by half of the "
    "shorter one or more are one moment, with the p of the surest: where one expression goes up, others must go down, since probabilities "
    "sum to one. A time in brackets is that of a measure which departed for at most half of the moment.",
    "moments_untested": "Moments: {why}.",
    "moments_caption": "Moments with a p of {p} or less",
    "moments_cut": "{shown} of {n} shown.",
    "moments_files": "All, measure by measure and with the mean changes, which are not tested, are in moments.csv.",
    "moments_untypical": "For a third of the film or more the viewers did not show what they typically do (measure, share of the film: "
    "{names}). What is typical can then hardly be told from the film itself, and a moment may be a quiet stretch seen from the wrong "
    "level.",
    "moments_untypical_rest": "Look at the mean changes from the baseline as well: the table of moments tells those that go the other way, "
    "and all are in moments.csv.",
    "moments_untypical_no_rest": "Name a stretch in which the viewers are at rest (--baseline), and look at the mean changes from it.",
    "moments_other_way": "A change in small print is the mean change {since}, told where it goes the other way than the departure: read "
    "such a moment with care.",
    "when": "when",
    "moments_none": "None has a p of {p} or less.",
    "departure": "departure",
    "expressions_note": "Mean probability over the viewers, with its interval. The scales differ; the largest comes first.",
    "from_baseline": "from the baseline",
    "from_mean": "from the viewer's own mean over the film",
    "parts_note": "First each viewer's mean in the part, as if the viewer had seen all of it, then the mean of those, with its 95 % "
    "interval in brackets; n viewers. The departure is from what each viewer typically shows, as of moments, and p is of it: of the part "
    "being like the rest of the film, corrected for all measures and parts, and for the number of groups. Intervals are each for itself, "
    "so that one may hold 0 where p is small, and the other way round.",
    "parts_change": " The change is from the baseline, and not tested.",
    "reach": "Reach",
    "reach_note": "Share of the viewers whose face showed an expression, at a probability of {p} or more, for {seconds} s of the part or "
    "more, all together, or for all of the time that they were seen in it, if that is shorter; in brackets its 95 % interval. It is "
    "counted in single frames, not in steps. n: viewers who were seen in at least half of the part. Longer parts give more time to show "
    "it. All expressions are in reach.csv.",
    "reach_rest": " Who showed an expression for as long in the baseline already does not count for it; where there are such viewers, a "
    "cell says of how many others it is.",
    "reach_of": "of {n}",
    "reach_none": "No expression but neutral reached anybody.",
    "reach_caption": "Viewers who showed it",
    "part": "part",
    "whole_film": "whole film",
    "changed": "change",
    "all_viewers": "All viewers",
    "group_of": "Group {name}",
    "no_interval": "no interval",
    "groups_note": "Difference of the groups' means, and of their changes {since}, each with its 95 % interval; p by exchanging viewers "
    "between the groups, and no less than Welch's t gives, corrected for all measures and parts, and for the number of pairs. The "
    "intervals are not corrected, so that one may leave 0 out where p is large. Shown are valence, arousal and the three expressions that "
    "differ most; all are in groups.csv.",
    "curves_note": "Mean of each group over the film, with its 95 % interval at each moment for itself. Where the curves part is no test: "
    "the table below has those.",
    "curves_cut": " Drawn are the {shown} largest of {n} groups; all are in curve.csv.",
    "change_difference": "difference of changes",
    "groups_caption": "Groups",
    "pair": "groups",
    "viewers_caption": "Viewers who count",
    "viewer": "viewer",
    "group": "group",
    "seen": "film seen",
    "people_in": "persons in sight",
    "covered": "film covered",
    "how_steps": "Each recording is read into steps of {step} s: means over the time of sure faces, unsmoothed; a step with less than "
    "{share} % of that has no value. Of several persons in a recording the one longest in sight during the film is the viewer.",
    "how_counts": "A viewer counts with values in {share} % of the film or more. Every figure is over viewers, each counting once.",
    "how_whole": "Means over the film, and over its parts, are as if each viewer had seen all of it: each value is taken for the sum of "
    "what is the viewer's and what is the step's, by least squares (Yates 1934; Searle, Speed & Milliken 1980), and a mean is the viewer's "
    "part plus the mean of those of all steps. Where nothing is missing it is the plain mean. Steps in which fewer than {share} % of the "
    "viewers, or fewer than {least}, have a value do not count: means are over the others.",
    "how_baseline": "Changes count from the viewer's mean in {start} to {end} s of the film.",
    "how_mean": "Changes count from the viewer's own mean over the film, as if the viewer had seen all of it.",
    "how_scale": "Valence and arousal are on a scale of {span}, and their changes and differences in units of that scale.",
    "how_intervals": "Intervals: studentised bootstrap over viewers (Efron & Tibshirani 1993), 95 %, {rounds} resamples, seed {seed}.",
    "how_tests": "Moments: cluster test (Maris & Oostenveld 2007) over all measures and times, with each viewer's curves, less a "
    "straight line of the viewer's own (fitted where the viewers together show what they typically do), turned in a circle by a random "
    "time, {turns}. Parts: against the rest of the film, with the same turns; the largest statistic over all measures and parts counts "
    "(Westfall & Young 1993). Where viewers change slowly, over a third of the film or so, about one study in eight without any shared "
    "moment shows one at p = 0.05: take 0.02 there.",
    "turns": "{turns} times",
    "turns_fewer": "{turns} times ({asked} were asked for, which with so many viewers and steps would take too long)",
    "how_groups": "Differences of groups: intervals by Student's t with the smaller group's degrees of freedom, and no variance below the "
    "pooled one. p: viewers exchanged between the groups, with the largest statistic over all measures and parts (Westfall & Young 1993), "
    "and no less than Welch's t gives with Bonferroni's correction. Curves: at most {drawn} resamples.",
    "how_holds": "The intervals hold for other viewers of the same kind and the same film, and do not cover what the model misreads.",
    # visitors
    "visits_meta": "{entering} people entering, {leaving} leaving",
    "visits_meta_pictures": "{entering} people or faces of pictures entering, {leaving} leaving",
    "sides": "Leaving against entering",
    "periods": "Periods",
    "passed": "{n} person was too short in sight, or never sure, and does not count.|"
    "{n} people were too short in sight, or never sure, and do not count.",
    "n_failed": "Recordings that could not be read, or not to the end: {n}.",
    "withheld": "Not shown, since fewer than {least} people came or left: {names}. They are in no figure, or it could be told from the "
    "others.",
    "n_entering": "people entering",
    "n_leaving": "people leaving",
    "n_entering_pictures": "people or faces of pictures entering",
    "n_leaving_pictures": "people or faces of pictures leaving",
    "pictures": "Faces of pictures that count as a person each: {entering} entering, {leaving} leaving, since the study was told that no "
    "two pictures show the same person (--pictures-are-people). If some do, there are fewer people than it says, intervals are too narrow "
    "and each p too small, and a figure may be of a single person.",
    "mean_entering": "mean valence entering, {span}",
    "mean_leaving": "mean valence leaving, {span}",
    "valence_difference": "difference in valence, leaving less entering",
    "valence_within": "difference in valence within periods",
    "difference_within": "difference within periods",
    "within_periods": "The difference is that within the periods: leaving less entering in each of them, then their mean, weighted by "
    "their people. It need not be the one mean less the other ({apart} here), which also depends on when more people come and when more "
    "leave.",
    "sides_note": "Mean over people, each counting once, with its 95 % interval; the difference is leaving minus entering. p is the chance "
    "of so large a difference if the two sides were alike: of valence, the question of such a study, as it is; of the other measures "
    "corrected for all ten; the larger of two tests, people exchanged and Welch's t. An interval and a p may "
    "disagree: the interval is on the safe side for small groups.",
    "periods_note": "p is corrected for the {n} periods.",
    "sides_caption": "All visitors",
    "entering": "entering",
    "leaving": "leaving",
    "period": "period",
    "no_period": "no period",
    "valence_entering": "valence entering",
    "valence_leaving": "valence leaving",
    "periods_caption": "Valence by period",
    "how_people": "A person counts with {least} s of sure face, in two frames at least. Values are unsmoothed means over it.",
    "how_sides": "Nobody is recognised: who leaves is not matched with who came, and somebody who passes twice counts twice. So the sides "
    "are compared as independent groups, and a difference may also come from other people leaving than came.",
    "how_private": "This page and its files have nothing about single people. Periods with fewer than {least} people on a side are not "
    "shown, and values are rounded to an eighth of their intervals or finer, each p upwards to 1, 2 or 5 times a power of ten, so that a "
    "total says little of one person more or less. "
    "Publish a period once, and never a total that grows by fewer than {least} people on a side: their share is its difference from the "
    "earlier one.",
    "how_people_intervals": "Intervals: studentised bootstrap over people (Efron & Tibshirani 1993), 95 %, {rounds} resamples, seed "
    "{seed}; of differences Student's t with the smaller side's degrees of freedom, and no variance below the pooled one. "
    "p: people change sides at random; largest Welch t over the measures but valence (Westfall & Young 1993; Janssen 1997), and no less "
    "than Welch's t gives with Bonferroni's correction.",
    "how_alike": "Where people come in company the intervals are too narrow; where light or cameras differ between the sides, the "
    "difference may be theirs: use the same camera, height and light on both sides.",
    **{f"why_{key}": sentence for key, sentence in REASONS.items()},
}

_RUSSIAN: dict[str, str] = {
    "then": ";",
    # a film
    "reaction_meta": "зрителей: {n} · фильм: {film}, шаг {step} с",
    "affect_film": "Валентность и возбуждение по ходу фильма",
    "moments": "Моменты, общие для зрителей",
    "expressions": "Каждое выражение по ходу фильма",
    "parts": "Части фильма",
    "groups": "Сравнение групп",
    "viewers": "Зрители",
    "how": "Как это посчитано",
    "few_viewers": "Учтено зрителей: {n}. Если их меньше {least}, доверительных интервалов и проверки значимости нет.",
    "rare_shown": "Учтено зрителей: {n}. Для выражений, которые почти никто из них не показал, интервалы слишком узкие: "
    "среди столь немногих выражение могло не встретиться ни у кого.",
    "not_counted": "Не учтены: {names}.",
    "uneven_groups": "В группах учтена разная доля фильма (в среднем от {low} до {high}).",
    "uneven_viewers": "У {n} из {of} зрителей учтено меньше {share} фильма.",
    "as_if_seen": "Средние за весь фильм посчитаны по тому, что видели не менее {least} зрителей, и так, как если бы это видели все. "
    "Предполагается, что пропущенное подействовало бы на зрителя так же, как на остальных.",
    "only_seen": "Средние за весь фильм посчитаны по тому, что видели не менее {least} зрителей.",
    "sets_apart": "Некоторые зрители не видели вместе с другими, даже через третьих, ничего, что видели бы не менее {least} зрителей. "
    "Средние за весь фильм тогда относятся к тому, что видел каждый такой круг зрителей, а среднее всех — не к одному и тому же фильму; "
    "группы сравниваются только внутри самого большого круга.",
    "counted": "зритель учтён|зрителя учтены|зрителей учтено",
    "n_not_counted": "не учтено: {n}",
    "of_film": "длительность фильма",
    "n_steps": "шагов: {n}",
    "shared": "момент, общий для зрителей|момента, общих для зрителей|моментов, общих для зрителей",
    "p_corrected": "p ≤ {alpha}, с поправкой",
    "untested_few": "не проверялись (зрителей меньше {least})",
    "untested_short": "не проверялись (в фильме один шаг)",
    "film_seen": "фильма учтено",
    "film_seen_mean": "с уверенно распознанным лицом, в среднем",
    "affect_note": "Среднее по зрителям, чьё лицо в это время распознано уверенно (их {n}), и его 95%-й доверительный интервал "
    "для каждого момента в отдельности.",
    "moment_up": "общий момент, вверх",
    "moment_down": "общий момент, вниз",
    "n_to": "от {low} до {high}",
    "film_time": "время фильма",
    "alt_film": "{what} по ходу фильма: {names}",
    "mixed_models": "Лица распознаны разными моделями ({names}): различия между ними выглядят как различия между людьми. "
    "Обработайте все записи одной моделью.",
    "moments_note": "Отрезки, на которых показанные выражения зрителей вместе, в одну сторону, отклонялись от того, что каждый показывает "
    "обычно. Обычное — это прямая, проведённая через собственные значения зрителя в то время, когда зрители вместе показывают то же, что "
    "и большую часть фильма, поэтому постепенная усталость или растущий интерес отклонением не считаются. p относится к отклонению: это "
    "вероятность такого же или большего отрезка у любой величины и в любое время, если бы моменты задавал не фильм (кривая каждого "
    "зрителя многократно сдвигается по кругу на случайное время), с поправкой на все величины и всё время.",
    "moments_rows": "Где отрезок начинается и кончается, известно менее точно, чем то, что он есть. Величины, отрезки которых "
    "перекрываются хотя бы на половину более короткого, составляют один момент с p самой надёжной из них: где одно выражение растёт, "
    "другие должны падать, так как сумма вероятностей равна единице. В скобках — время величины, которая отклонялась не дольше половины "
    "момента.",
    "moments_untested": "Моменты: {why}.",
    "moments_caption": "Моменты с p не больше {p}",
    "moments_cut": "Показано {shown} из {n}.",
    "moments_files": "Все моменты по каждой величине, со средними изменениями (они не проверяются), — в moments.csv.",
    "moments_untypical": "Треть фильма или дольше зрители показывали не то, что показывают обычно (величина и доля фильма: {names}). "
    "Обычное тогда трудно определить по самому фильму, и моментом может оказаться спокойный отрезок, отсчитанный от неверного уровня.",
    "moments_untypical_rest": "Смотрите и на средние изменения от исходного уровня: в таблице моментов даны те, что направлены в другую "
    "сторону, а все — в moments.csv.",
    "moments_untypical_no_rest": "Укажите отрезок, когда зрители спокойны (--baseline), и смотрите на средние изменения от него.",
    "moments_other_way": "Мелким шрифтом дано среднее изменение {since} там, где оно направлено не туда, куда отклонение: такие моменты "
    "толкуйте с осторожностью.",
    "when": "когда",
    "moments_none": "Отрезков с p не больше {p} нет.",
    "departure": "отклонение",
    "expressions_note": "Средняя по зрителям вероятность с доверительным интервалом. Шкалы разные; сначала самые частые.",
    "from_baseline": "от исходного уровня",
    "from_mean": "от собственного среднего зрителя по фильму",
    "parts_note": "Сначала среднее каждого зрителя в части, как если бы он видел её целиком, затем среднее этих средних, в скобках его "
    "95%-й доверительный интервал; n — число зрителей. Отклонение отсчитано от того, что зритель показывает обычно, как у моментов; p "
    "относится к нему: проверяется, отличается ли часть от остального фильма, с поправкой на все величины и части и на число групп. "
    "Интервалы даны каждый сам по себе, поэтому при малом p интервал может содержать 0, и наоборот.",
    "parts_change": " Изменение отсчитано от исходного уровня и не проверяется.",
    "reach": "Охват",
    "reach_note": "Доля зрителей, на чьём лице выражение с вероятностью не меньше {p} было в этой части в сумме не меньше {seconds} с (или "
    "всё время, пока зрителя видно, если оно короче); в скобках 95%-й доверительный интервал. Считается по отдельным кадрам, а не по "
    "шагам. n — число зрителей, которых видно не меньше половины части. Чем длиннее часть, тем больше времени показать выражение. Все "
    "выражения есть в reach.csv.",
    "reach_rest": " Кто уже на отрезке исходного уровня показал выражение столь же долго, для него не учтён; если такие зрители есть, в "
    "ячейке указано, из скольких остальных взята доля.",
    "reach_of": "из {n}",
    "reach_none": "Кроме нейтрального, ни одно выражение никого не охватило.",
    "reach_caption": "Зрители, показавшие выражение",
    "part": "часть",
    "whole_film": "весь фильм",
    "changed": "изменение",
    "all_viewers": "Все зрители",
    "group_of": "Группа «{name}»",
    "no_interval": "нет интервала",
    "groups_note": "Разность средних групп и разность их изменений {since}, в скобках 95%-е доверительные интервалы; p — по перестановкам "
    "зрителей между группами, причём не меньше, чем даёт критерий Уэлча, с поправкой на все величины и части и на число пар. У интервалов "
    "поправки нет, поэтому и при большом p интервал может не содержать 0. Показаны валентность, возбуждение и три выражения с наибольшей "
    "разностью; все — в groups.csv.",
    "curves_note": "Среднее каждой группы по ходу фильма и его 95%-й доверительный интервал для каждого момента в отдельности. Там, где "
    "кривые расходятся, различие ещё не проверено: проверки — в таблице ниже.",
    "curves_cut": " Показаны {shown} самые большие из {n} групп; все — в curve.csv.",
    "change_difference": "разность изменений",
    "groups_caption": "Группы",
    "pair": "группы",
    "viewers_caption": "Учтённые зрители",
    "viewer": "зритель",
    "group": "группа",
    "seen": "фильма учтено",
    "people_in": "людей в кадре",
    "covered": "охвачено записью",
    "how_steps": "Каждая запись разбита на шаги по {step} с: средние по времени уверенно распознанного лица, без сглаживания; если такого "
    "времени в шаге меньше {share} %, значения нет. Если в записи несколько человек, зритель — тот, кого во время фильма видно дольше "
    "всех.",
    "how_counts": "Зритель учтён, если значения есть не менее чем в {share} % фильма. Все числа — по зрителям, каждый учтён один раз.",
    "how_whole": "Средние за фильм и его части посчитаны так, как если бы каждый зритель видел их целиком: значение считается суммой того, "
    "что относится к зрителю, и того, что относится к шагу, по методу наименьших квадратов (Yates 1934; Searle, Speed & Milliken 1980), а "
    "среднее — это часть зрителя плюс среднее частей всех шагов. Если пропусков нет, это обычное среднее. Шаги, в которых значения есть "
    "меньше чем у {share} % зрителей или меньше чем у {least}, в средние не входят.",
    "how_baseline": "Изменения отсчитаны от среднего зрителя с {start} по {end} с фильма.",
    "how_mean": "Изменения отсчитаны от собственного среднего зрителя по фильму, как если бы он видел его целиком.",
    "how_scale": "Валентность и возбуждение даны по шкале {span}, их изменения и разности — в единицах этой шкалы.",
    "how_intervals": "Доверительные интервалы: стьюдентизированный бутстреп по зрителям (Efron & Tibshirani 1993), 95 %, "
    "повторных выборок: {rounds}, начальное число генератора: {seed}.",
    "how_tests": "Моменты: кластерный перестановочный тест (Maris & Oostenveld 2007) по всем величинам и всему времени, кривые каждого "
    "зрителя без его собственной прямой (подобранной там, где зрители вместе показывают обычное) сдвигаются по кругу на случайное время, "
    "{turns}. Части: сравнение с остальным фильмом при тех же сдвигах; берётся наибольшая статистика по всем величинам и частям "
    "(Westfall & Young 1993). Если зрители меняются медленно, в течение трети фильма или дольше, общий момент, которого нет, при p = 0,05 "
    "находится примерно в каждом восьмом исследовании: берите тогда 0,02.",
    "turns": "число сдвигов: {turns}",
    "turns_fewer": "число сдвигов: {turns} (задано {asked}, но при стольких зрителях и шагах это заняло бы слишком много времени)",
    "how_groups": "Разности групп: интервалы по распределению Стьюдента с числом степеней свободы меньшей группы и дисперсией не ниже "
    "объединённой. p: перестановки зрителей между группами, берётся наибольшая статистика по всем величинам и частям (Westfall & Young "
    "1993), причём p не меньше, чем даёт критерий Уэлча с поправкой Бонферрони. Кривые: повторных выборок не больше {drawn}.",
    "how_holds": "Интервалы относятся к другим таким же зрителям и к тому же фильму; ошибок модели они не учитывают.",
    # visitors
    "visits_meta": "людей на входе: {entering}, на выходе: {leaving}",
    "visits_meta_pictures": "людей или лиц на снимках на входе: {entering}, на выходе: {leaving}",
    "sides": "Выход по сравнению со входом",
    "periods": "Периоды",
    "passed": "Не учтено людей, которых видно слишком недолго или чьё лицо ни разу не распознано уверенно: {n}.",
    "n_failed": "Записей, которые не удалось прочитать совсем или до конца: {n}.",
    "withheld": "Не показаны, так как на входе или на выходе меньше {least} человек: {names}. В расчёты они не вошли, "
    "иначе их можно было бы вычислить из остальных.",
    "n_entering": "вошло людей",
    "n_leaving": "вышло людей",
    "n_entering_pictures": "людей или лиц на снимках на входе",
    "n_leaving_pictures": "людей или лиц на снимках на выходе",
    "pictures": "Лица на снимках, каждое из которых учтено как отдельный человек: на входе {entering}, на выходе {leaving}, так как "
    "указано, что на разных снимках разные люди (--pictures-are-people). Если это не так, людей меньше, чем здесь сказано, интервалы "
    "слишком узкие, p слишком малы, а число может относиться к одному человеку.",
    "mean_entering": "средняя валентность на входе, {span}",
    "mean_leaving": "средняя валентность на выходе, {span}",
    "valence_difference": "разность валентности: выход минус вход",
    "valence_within": "разность валентности внутри периодов",
    "difference_within": "разность внутри периодов",
    "within_periods": "Разность взята внутри периодов: выход минус вход в каждом из них, затем среднее этих разностей, взвешенное по "
    "числу людей. Она может не равняться разности двух средних (здесь {apart}), на которую влияет и то, когда больше приходят, а когда "
    "больше уходят.",
    "sides_note": "Среднее по людям, каждый учтён один раз, и его 95%-й доверительный интервал; разность — выход минус вход. "
    "p — вероятность такой же или большей разности, если бы стороны не различались: для валентности, главного вопроса такого исследования, "
    "без поправки, для остальных величин с поправкой на все десять; взято большее из двух: "
    "по перестановкам людей и по критерию Уэлча. Интервал и p могут расходиться: для малых групп интервал взят с "
    "запасом.",
    "periods_note": "p с поправкой на число периодов ({n}).",
    "sides_caption": "Все посетители",
    "entering": "на входе",
    "leaving": "на выходе",
    "period": "период",
    "no_period": "без периода",
    "valence_entering": "валентность на входе",
    "valence_leaving": "валентность на выходе",
    "periods_caption": "Валентность по периодам",
    "how_people": "Человек учтён, если уверенно распознанное лицо видно хотя бы {least} с и не меньше чем в двух кадрах. "
    "Значения — средние за это время, без сглаживания.",
    "how_sides": "Никто не узнаётся: кто вышел, не сопоставлен с теми, кто вошёл, а прошедший дважды учтён дважды. Поэтому стороны "
    "сравниваются как независимые группы, и разность может возникнуть и оттого, что вышли не те люди, которые вошли.",
    "how_private": "На этой странице и в её файлах об отдельных людях ничего нет. Периоды, в которых на входе или на выходе меньше {least} "
    "человек, не показаны, а значения округлены до восьмой части их интервала или точнее, каждое p — вверх, до 1, 2 или 5, умноженных на "
    "степень десяти, поэтому по общему числу трудно узнать, что "
    "показал один человек. Публикуйте каждый период один раз и не публикуйте итог, который отличается от прежнего меньше чем на {least} "
    "человек на входе или на выходе: их доля — это разность двух итогов.",
    "how_people_intervals": "Доверительные интервалы: стьюдентизированный бутстреп по людям (Efron & Tibshirani 1993), 95 %, "
    "повторных выборок: {rounds}, начальное число генератора: {seed}; для разностей — распределение Стьюдента с числом степеней свободы "
    "меньшей стороны и дисперсией не ниже объединённой. p: случайные перестановки людей между сторонами; наибольшая статистика Уэлча "
    "по величинам, кроме валентности (Westfall & Young 1993; Janssen 1997), причём p не меньше, чем даёт критерий Уэлча с поправкой "
    "Бонферрони.",
    "how_alike": "Если люди приходят вместе, интервалы слишком узкие; если свет или камеры на входе и на выходе разные, разность "
    "может быть из-за них: нужны одинаковые камеры, высота и свет с обеих сторон.",
    # viewers who do not count
    "why_several": "в таблице несколько записей; нужна одна видеозапись одного зрителя",
    "why_twice": "человек дважды в одном кадре; нужна таблица, где на человека и кадр приходится одна строка",
    "why_no_times": "в таблице нет времени; нужна одна видеозапись одного зрителя",
    "why_no_rows": "в таблице нет строк; нужна одна видеозапись одного зрителя",
    "why_no_persons": "в кадре несколько лиц, а номеров людей нет; нужна таблица, в которой за лицами следили",
    "why_no_film": "запись охватывает 0 с фильма: начало фильма на {start} с, запись с {first} по {last} с",
    "why_no_face": "во время фильма лицо не найдено",
    "why_little": "уверенно распознанное лицо в {found} % фильма; нужно {wanted} %",
    "why_apart": "уверенно распознанное лицо в {found} % фильма; нужно {wanted} %; люди в записи ({people}) ни разу не видны вместе: "
    "возможно, это один человек, потерянный и найденный снова (см. --reentry в mien analyze)",
    "why_no_rest": "уверенно распознанное лицо в {found} % отрезка исходного уровня; нужно {wanted} %",
    "why_copy": "те же лица в то же время, что и у «{of}»; запись учитывается один раз",
    "why_never_sure": "ни в одном шаге фильма уверенно распознанного лица нет хотя бы в течение половины времени",
}

_LANGUAGES = {"en": _ENGLISH, "ru": _RUSSIAN}


def study_words(language: str) -> dict[str, str]:
    """The sentences of the pages of studies, and what words.words has. UnknownName lists the languages there are."""
    return words(language) | _LANGUAGES[language]
