namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// The part of one distribution that a server listed. It has the sum of the probabilities of all listed tokens, and that of the boundary tokens among
/// them. The boundary mass is at least the second sum, and at most that plus the probability that was not listed.
/// </summary>
internal struct ListedMass
{
    /// <summary>By how much the sum of the listed probabilities may exceed 1, because some servers print few digits.</summary>
    public const double Slack = 0.01;

    private double _all;
    private double _boundary;

    /// <summary>The number of listed tokens.</summary>
    public int Count { get; private set; }

    /// <summary>The sum of the probabilities of all listed tokens.</summary>
    public readonly double All => _all;

    /// <summary>Adds a listed token.</summary>
    public void Add(double logProbability, bool isBoundary)
    {
        double p = Math.Exp(logProbability);
        _all += p;
        if (isBoundary)
            _boundary += p;
        Count++;
    }

    /// <summary>The bounds on the boundary mass; 0 and 1 if nothing was listed.</summary>
    public readonly (double Lower, double Upper) Bounds => (Math.Min(1, _boundary), Math.Min(1, _boundary + Math.Max(0, 1 - _all)));

    /// <summary>The boundary mass itself, if the whole distribution was listed. It is divided by the sum of all, which is not exactly 1.</summary>
    public readonly double Whole => _all > 0 ? _boundary / _all : 0;
}
