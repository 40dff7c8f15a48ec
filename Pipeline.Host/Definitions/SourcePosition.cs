using System.Globalization;

namespace Pipeline.Host.Definitions;

/// <summary>Where something was written: a place in a file, with lines and columns from 1, or an argument of <c>--set</c>, with line 0.</summary>
internal readonly record struct SourcePosition(string Source, int Line, int Column)
{
    public static SourcePosition OfSet(string argument) => new($"--set {argument}", 0, 0);

    public override string ToString()
        => Line == 0 ? Source : string.Create(CultureInfo.InvariantCulture, $"{Source}:{Line}:{Column}");
}
