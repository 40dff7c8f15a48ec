using System.Globalization;

namespace Pipeline.Stages.Checkpoints;

/// <summary>The names of checkpoint folders. A name contains the step, so that the newest checkpoint comes last in order of names.</summary>
internal static class CheckpointFolder
{
    private const string Prefix = "step-";

    public static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:d10}");

    /// <summary>The step of a checkpoint folder; null if the folder's name is not that of a checkpoint.</summary>
    public static long? StepOf(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) && NameOf(step) == name
            ? step
            : null;
    }
}
