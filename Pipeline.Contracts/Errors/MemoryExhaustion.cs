using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Pipeline.Contracts.Errors;

/// <summary>Knows the ends of memory, the collector's and torch's, and makes one error of them that says where and what to lower.</summary>
public static partial class MemoryExhaustion
{
    // What torch says on the CPU (Linux, Windows), on CUDA, of cuBLAS, and what comes through from the C++ runtime.
    private static readonly string[] Signs = ["can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "std::bad_alloc", "bad allocation"];

    public static bool Is(Exception exception)
        => exception is OutOfMemoryException
            || (exception is ExternalException && Signs.Any(sign => exception.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)));

    /// <param name="where">The stage and the batch.</param>
    /// <param name="exception">One that <see cref="Is"/> knows.</param>
    /// <param name="advice">Options to lower, with their values.</param>
    public static MemoryException At(string where, Exception exception, string advice)
        => new($"{where}: out of memory ({Found(exception)}); {advice}", exception);

    // Torch's own message brings a C++ stack with it.
    private static string Found(Exception exception)
    {
        string managed = string.Create(CultureInfo.InvariantCulture, $"{GC.GetTotalMemory(forceFullCollection: false) >> 20} MiB in use by the program's own objects");
        if (exception is OutOfMemoryException)
            return managed;
        Match asked = AskedBytes().Match(exception.Message);
        return asked.Success ? $"torch asked for {asked.Groups[1].Value}, {managed}" : $"torch could get no more, {managed}";
    }

    [GeneratedRegex("tried to allocate ([0-9.]+ ?[A-Za-z]+)", RegexOptions.IgnoreCase)]
    private static partial Regex AskedBytes();
}
