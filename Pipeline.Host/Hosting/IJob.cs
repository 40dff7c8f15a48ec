namespace Pipeline.Host.Hosting;

/// <summary>The work that a host is built for.</summary>
internal interface IJob
{
    /// <summary>Does the work, to its end or to a stop.</summary>
    /// <exception cref="Pipeline.Contracts.Errors.AlmException">The work failed or was stopped. The exception has the exit code of the command.</exception>
    Task RunAsync();
}
