namespace Pipeline.Host.Jobs;

/// <summary>A file for a scheduler.</summary>
/// <param name="Name">In the folder of jobs.</param>
/// <param name="Content">Text, lines ended by a line feed.</param>
internal sealed record JobFile(string Name, string Content);

/// <summary>Writes jobs for one kind of scheduler.</summary>
internal interface IJobEngine
{
    string Name { get; }

    /// <summary>The command that must be there to start jobs.</summary>
    string Command { get; }

    /// <summary>What to type to see the jobs.</summary>
    string Watch { get; }

    /// <summary>A file for each step, and <c>submit.sh</c>, which starts them.</summary>
    /// <param name="run">Name of the run.</param>
    /// <param name="steps">In order.</param>
    /// <param name="resources">What they are given.</param>
    /// <param name="alm">How the program is started: command and first arguments.</param>
    /// <param name="directory">The current folder of the jobs, which relative paths of the definition are of.</param>
    /// <param name="jobs">Where the files will lie.</param>
    IReadOnlyList<JobFile> Write(string run, IReadOnlyList<JobStep> steps, JobResources resources, IReadOnlyList<string> alm, string directory, string jobs);
}
