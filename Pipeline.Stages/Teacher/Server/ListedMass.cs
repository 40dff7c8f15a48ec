namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// The part of one distribution that a server listed: Σ p over the listed tokens and over those of them that are boundary tokens. The
/// boundary mass is at least the second sum, and at most that plus what was not listed.
/// </summary>
internal struct ListedMass
{
    /// <summary>By how much the listed probabilities may sum to more than 1, for servers that print few digits.</summary>
    public const double Slack = 0.01;

    private double _all;
    private double _boundary;

    public int Count { get; private set; }

    /// <summary>Σ p over what was listed.</summary>
    public readonly double All => _all;

    public void Add(double logProbability, bool isBoundary)
    {
        double p = Math.Exp(logProbability);
        _all += p;
        if (isBoundary)
            _boundary += p;
        Count++;
    }

    /// <summary>[lower, upper] bounds on the boundary mass; [0, 1] where nothing was listed.</summary>
    public readonly (double Lower, double Upper) Bounds => (Math.Min(1, _boundary), Math.Min(1, _boundary + Math.Max(0, 1 - _all)));

    /// <summary>The mass, where the whole distribution was listed.</summary>
    public readonly double Whole => _all > 0 ? _boundary / _all : 0;
}
