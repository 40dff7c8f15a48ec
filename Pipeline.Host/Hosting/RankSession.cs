using Pipeline.Stages.Ranks;

namespace Pipeline.Host.Hosting;

/// <summary>The MPI job that the process of a command belongs to, from its start to its end. Until <see cref="Join"/> is called, the process is alone.</summary>
internal sealed class RankSession
{
    public IRanks Ranks { get; private set; } = OneRank.Instance;

    /// <summary>Joins the job that a launcher has started, as the environment variables say.</summary>
    /// <exception cref="Pipeline.Contracts.Errors.AlmException">There is no MPI library, or this number of ranks cannot be used.</exception>
    public IRanks Join(Func<string, string?> variable) => Ranks = MpiRanks.Join(variable);

    /// <summary>Leaves the job. If this process has failed, all others are ended too, unless they end for the same reason.</summary>
    /// <param name="exitCode">The exit code of the command.</param>
    /// <param name="isAgreed">Whether every rank ends with this code by itself.</param>
    public void End(int exitCode, bool isAgreed)
    {
        if (Ranks.Count > 1 && exitCode != 0 && !isAgreed)
            Ranks.Abort(exitCode);
        Ranks.Dispose();
    }
}
