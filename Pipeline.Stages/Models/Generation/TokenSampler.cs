using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// Chooses the next token from the logits of one position. It computes on the CPU in double precision, so that a seed gives the same text on all devices
/// that compute the same logits. An object belongs to one prompt, because each choice takes the next of its random draws.
/// </summary>
internal sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private CounterRandom _random;
    private int[] _ids = [];
    private double[] _scores = [];

    /// <summary>Creates a sampler at the beginning of its random draws.</summary>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="stream">A number that, together with the seed, determines the draws. Each prompt of a run has another one.</param>
    public TokenSampler(GenerationOptions options, int stream)
    {
        _options = options;
        _random = new CounterRandom(CounterRandom.Key(options.Seed, stream));
    }

    /// <summary>The id of the chosen token. Of equally likely ones, the lowest id comes first.</summary>
    /// <param name="logits">The logits of all tokens that may be chosen. Minus infinity rules a token out.</param>
    /// <param name="seen">The tokens of the prompt and of the text so far, for the repetition penalty.</param>
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
        // Sorted by score, the highest (whose negative is the lowest) first, and by id where scores are equal, so that the order is the same everywhere.
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

        double point = _random.Unit() * total;
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
}
