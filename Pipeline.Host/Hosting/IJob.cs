namespace Pipeline.Host.Hosting;

/// <summary>What a host was built for.</summary>
internal interface IJob
{
    /// <exception cref="Pipeline.Contracts.Errors.AlmException">With the exit code of the command.</exception>
    Task RunAsync();
}
