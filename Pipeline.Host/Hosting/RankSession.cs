using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Hosting;

/// <summary>The job of MPI that a command is one process of, from its start to its end; a process alone while nobody joined one.</summary>
internal sealed class RankSession
{
    public IRanks Ranks { get; private set; } = OneRank.Instance;

    /// <summary>Joins what a launcher started, as the environment says.</summary>
    /// <exception cref="Pipeline.Contracts.Errors.AlmException">There is no MPI, or this number of ranks does not work.</exception>
    public IRanks Join(Func<string, string?> variable) => Ranks = MpiRanks.Join(variable);

    /// <summary>Ends this process's part in it: a failure of one ends all, unless all end for the same reason.</summary>
    public void End(int exitCode, bool isAgreed)
    {
        if (Ranks.Count > 1 && exitCode != 0 && !isAgreed)
            Ranks.Abort(exitCode);
        Ranks.Dispose();
    }
}
