namespace Pipeline.Host.Jobs;

/// <summary>A file that starts or describes jobs of a scheduler.</summary>
/// <param name="Name">The name of the file in the folder of jobs.</param>
/// <param name="Content">The text. Its lines end with a line feed.</param>
internal sealed record JobFile(string Name, string Content);

/// <summary>Writes jobs for one kind of scheduler.</summary>
internal interface IJobEngine
{
    string Name { get; }

    /// <summary>The program that starts jobs. It must be installed.</summary>
    string Command { get; }

    /// <summary>The command that shows the jobs.</summary>
    string Watch { get; }

    /// <summary>Makes a file for each step, and <c>submit.sh</c>, which starts them.</summary>
    /// <param name="run">The name of the run.</param>
    /// <param name="steps">The steps, in order.</param>
    /// <param name="resources">What each job is given.</param>
    /// <param name="alm">How the program is started: the command and its first arguments.</param>
    /// <param name="directory">The current folder of the jobs. Relative paths in the definition start from it.</param>
    /// <param name="jobs">The folder that the files will be in.</param>
    IReadOnlyList<JobFile> Write(string run, IReadOnlyList<JobStep> steps, JobResources resources, IReadOnlyList<string> alm, string directory, string jobs);
}
