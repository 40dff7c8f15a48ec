namespace Pipeline.Host.Definitions;

/// <summary>The end of an error message about an unknown name: the most similar known name, if one is similar.</summary>
internal static class Suggestion
{
    private const int LongestName = 64;

    /// <summary>Suggests a name for one that was not found.</summary>
    /// <returns>"; did you mean 'x'?", or the list of known names if none is similar.</returns>
    public static string For(string found, IEnumerable<string> known)
    {
        List<string> names = known.Order(StringComparer.Ordinal).ToList();
        string? nearest = Nearest(found, names);
        if (nearest is not null)
            return $"; did you mean '{nearest}'?";
        return names.Count == 0 ? "; none is known" : $"; expected one of {string.Join(", ", names)}";
    }

    private static string? Nearest(string found, List<string> names)
    {
        if (found.Length > LongestName)
            return null;
        string? nearest = null;
        int best = Math.Max(2, found.Length / 3) + 1;
        foreach (string name in names)
        {
            int distance = Distance(found.ToUpperInvariant(), name.ToUpperInvariant());
            if (distance < best)
                (best, nearest) = (distance, name);
        }
        return nearest;
    }

    // The edit distance, in which two swapped neighbours count as one edit.
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (int j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int substitution = d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                d[i, j] = Math.Min(substitution, Math.Min(d[i - 1, j], d[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
