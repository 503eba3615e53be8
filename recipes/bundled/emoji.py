"""Emoji that a small vocabulary gets entries for; BERT's has none, so each of them would be ``[UNK]``.

Each has the English words that its vector starts from. They are ours, written by what the sign is used for rather
than by its Unicode name ("face with tears of joy" would start as tears). Signs of mood come with +1, 0 or -1: what the
sign says of the writer's mood on its own. The rest (things, places) say nothing of it.
"""

from __future__ import annotations

#: sign: (words, mood)
EMOJI: dict[str, tuple[str, int]] = {
    "😀": ("happy smile", 1), "😃": ("happy smile", 1), "😄": ("happy laugh", 1), "😁": ("happy grin", 1),
    "😆": ("funny laugh", 1), "😅": ("relief laugh", 0), "😂": ("funny laughing", 1), "🤣": ("hilarious laughing", 1),
    "😊": ("happy warm", 1), "🙂": ("pleased smile", 1), "😉": ("wink playful", 1), "😍": ("love adore", 1),
    "🥰": ("love affection", 1), "😘": ("kiss love", 1), "🤩": ("amazing excited", 1), "😎": ("cool great", 1),
    "😋": ("delicious tasty", 1), "🤗": ("hug warm", 1), "🥳": ("celebrate party", 1), "😌": ("relieved calm", 1),
    "😇": ("angel good", 1), "😏": ("smirk", 0), "🤔": ("thinking hmm", 0), "😐": ("neutral", 0),
    "😑": ("annoyed", -1), "😶": ("silent", 0), "🙄": ("annoyed tired", -1), "😒": ("unhappy annoyed", -1),
    "😬": ("awkward", -1), "😔": ("sad", -1), "😞": ("disappointed", -1), "😟": ("worried", -1),
    "😕": ("confused unhappy", -1), "🙁": ("sad", -1), "☹": ("sad unhappy", -1), "😣": ("struggling", -1),
    "😖": ("miserable", -1), "😫": ("tired miserable", -1), "😩": ("weary miserable", -1), "😢": ("sad crying", -1),
    "😭": ("crying sad", -1), "😤": ("frustrated", -1), "😠": ("angry", -1), "😡": ("furious angry", -1),
    "🤬": ("furious hate", -1), "😱": ("scared shock", -1), "😨": ("afraid", -1), "😰": ("anxious", -1),
    "😥": ("sad disappointed", -1), "😓": ("tired sad", -1), "🤢": ("disgusting", -1), "🤮": ("disgusting awful", -1),
    "🤧": ("sick", -1), "🤒": ("sick ill", -1), "😷": ("sick", -1), "😴": ("boring sleep", 0), "😪": ("tired", -1),
    "🥱": ("boring", -1), "🤯": ("mind blown", 0), "😳": ("embarrassed", 0), "🥺": ("pleading", 0),
    "🤡": ("clown stupid", -1), "💩": ("crap", -1), "👿": ("evil angry", -1), "💀": ("dead", 0),
    "❤": ("love", 1), "💕": ("love", 1), "💖": ("love", 1), "💗": ("love", 1), "💙": ("love", 1), "💚": ("love", 1),
    "💛": ("love", 1), "💜": ("love", 1), "🧡": ("love", 1), "🖤": ("love dark", 0), "💔": ("heart broken sad", -1),
    "♥": ("love", 1), "👍": ("good thumbs up", 1), "👎": ("bad thumbs down", -1), "👏": ("bravo well done", 1),
    "🙌": ("hooray great", 1), "🙏": ("thanks please", 1), "💪": ("strong", 1), "👌": ("perfect okay", 1),
    "✌": ("peace", 1), "🤞": ("hope", 1), "🤝": ("agreement", 1), "👋": ("hello", 0), "🤷": ("unsure", 0),
    "🤦": ("stupid frustrated", -1), "🖕": ("hate insult", -1), "🔥": ("hot amazing", 1), "💯": ("perfect hundred", 1),
    "✨": ("sparkle lovely", 1), "⭐": ("star", 1), "🌟": ("star great", 1), "🎉": ("celebrate congratulations", 1),
    "🎊": ("celebrate", 1), "🏆": ("winner best", 1), "🥇": ("winner first", 1), "🚀": ("rocket", 0),
    "✅": ("done right", 1), "✔": ("done right", 1), "❌": ("wrong no", -1), "⚠": ("warning", 0), "❗": ("!", 0),
    "❓": ("?", 0), "🎂": ("birthday cake", 0), "🍕": ("pizza", 0), "☕": ("coffee", 0), "🍺": ("beer", 0),
    "📷": ("camera", 0), "📦": ("package box", 0), "📱": ("phone", 0), "💻": ("computer", 0), "🎬": ("movie", 0),
    "🎵": ("music", 0), "☀": ("sun", 0), "🌧": ("rain", 0), "🐶": ("dog", 0), "🐱": ("cat", 0), "🏠": ("house", 0),
    "🚗": ("car", 0), "📅": ("date", 0), "👀": ("look", 0), "💸": ("money gone", 0), "🗑": ("trash garbage", -1),
}  # fmt: skip

#: Skin tones follow a hand or a face as a character of their own and say nothing.
SKIN_TONES = ("🏻", "🏼", "🏽", "🏾", "🏿")
