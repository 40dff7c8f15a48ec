using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>
/// Merges over a whole word. Where the vocabulary lacks a character, the caller gives what stands for its bytes; negative numbers merge with nothing.
/// </summary>
internal sealed class BpeCutter(BpeModel model) : ITokenCutter
{
    private readonly MergeScratch _merges = new(model.Merges);
    private readonly List<int> _bytes = [];

    public void Cut(string word, Action<string, List<int>> missing, List<int> ids)
    {
        if (model.Options.IgnoreMerges && model.Tokens.TryGetValue(word, out int whole))
        {
            ids.Add(whole);
            return;
        }
        _merges.Begin(word.Length * 4);
        for (int i = 0; i < word.Length;)
        {
            int width = char.IsHighSurrogate(word[i]) && i + 1 < word.Length ? 2 : 1;
            string unit = word.Substring(i, width);
            string symbol = model.Plain ? unit : string.Concat(
                i > 0 ? model.Options.ContinuingPrefix : null, unit, i + width == word.Length ? model.Options.WordSuffix : null);
            if (model.Tokens.TryGetValue(symbol, out int id))
            {
                _merges.Add(id);
            }
            else
            {
                _bytes.Clear();
                missing(unit, _bytes);
                foreach (int value in _bytes)
                    _merges.Add(value);
            }
            i += width;
        }
        _merges.Run(ids);
    }
}
