namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Chooses one token from one position's logits, on the CPU in double precision: the same seed gives the same text on every device
/// that computes the same logits.
/// </summary>
public sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private ulong _state;
    private int[] _ids = [];
    private double[] _scores = [];

    /// <param name="options">The rule.</param>
    /// <param name="stream">Number of the prompt in its batch: each has draws of its own.</param>
    public TokenSampler(GenerationOptions options, int stream)
    {
        _options = options;
        _state = unchecked((ulong)(uint)options.Seed * 0x9E3779B97F4A7C15UL ^ (ulong)(uint)stream * 0xD1B54A32D192ED03UL);
    }

    /// <param name="logits">Of all tokens that may be chosen; minus infinity: never.</param>
    /// <param name="seen">Tokens of the prompt and of what was generated, for the penalty.</param>
    public int Choose(ReadOnlySpan<float> logits, IReadOnlySet<int> seen)
    {
        if (_ids.Length != logits.Length)
            (_ids, _scores) = (new int[logits.Length], new double[logits.Length]);
        for (int i = 0; i < logits.Length; i++)
        {
            double score = logits[i];
            if (_options.RepetitionPenalty != 1 && seen.Contains(i))
                score = score > 0 ? score / _options.RepetitionPenalty : score * _options.RepetitionPenalty;
            (_ids[i], _scores[i]) = (i, score);
        }

        return _options.Temperature == 0 ? Largest() : Draw();
    }

    private int Largest()
    {
        int best = 0;
        for (int i = 1; i < _scores.Length; i++)
        {
            if (_scores[i] > _scores[best])
                best = i;
        }

        return best;
    }

    private int Draw()
    {
        for (int i = 0; i < _scores.Length; i++)
            _scores[i] /= -_options.Temperature;
        // Ascending by the negative score, ties by id, so that the order is one and the same everywhere.
        Array.Sort(_scores, _ids);
        BreakTies();
        int kept = Math.Min(_scores.Length, _options.TopK ?? int.MaxValue);
        double largest = _scores[0], total = 0;
        for (int i = 0; i < kept; i++)
            total += _scores[i] = Math.Exp(largest - _scores[i]);
        if (_options.TopP is { } share)
        {
            double sum = 0, all = total;
            int count = 0;
            while (count < kept && sum < share * all)
                sum += _scores[count++];
            (kept, total) = (Math.Max(1, count), sum);
        }

        if (_options.MinP is { } least)
        {
            int count = 1;
            total = _scores[0];
            while (count < kept && _scores[count] >= least * _scores[0])
                total += _scores[count++];
            kept = count;
        }

        double point = NextUnit() * total;
        for (int i = 0; i < kept; i++)
        {
            point -= _scores[i];
            if (point < 0)
                return _ids[i];
        }

        return _ids[kept - 1];
    }

    private void BreakTies()
    {
        for (int start = 0; start < _scores.Length;)
        {
            int end = start + 1;
            while (end < _scores.Length && _scores[end] == _scores[start])
                end++;
            if (end - start > 1)
                Array.Sort(_ids, start, end - start);
            start = end;
        }
    }

    // SplitMix64 (Steele, Lea and Flood 2014): one add and a mix, so the stream is a function of the seed alone.
    private double NextUnit()
    {
        _state = unchecked(_state + 0x9E3779B97F4A7C15UL);
        ulong z = _state;
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
