using Pipeline.FaultTests.Runs;

namespace Pipeline.FaultTests.Soak;

/// <summary>A process that stays: for every line <c>DEFINITION FOLDER</c> (with a tab between) it makes the whole run, and says how that ended.</summary>
internal static class Resident
{
    public const string Done = "ended with ";

    public static int Serve(TextReader lines, TextWriter answers)
    {
        while (lines.ReadLine() is { } line)
        {
            string[] parts = line.Split('\t');
            AlmEnd end = InProcess.Run(TinyJob.Arguments(parts[0], parts[1]));
            if (end.Code != 0)
                answers.WriteLine(end.ToString());
            answers.WriteLine($"{Done}{end.Code}");
            answers.Flush();
        }
        return 0;
    }
}
