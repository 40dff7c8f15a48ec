using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Pipeline.Contracts.Errors;

/// <summary>
/// Recognizes out-of-memory errors of .NET and of torch, and turns them into one error that says where it happened and what to lower.
/// </summary>
public static partial class MemoryExhaustion
{
    // The messages of torch on the CPU (Linux, Windows) and on CUDA, of cuBLAS, and of the C++ runtime.
    private static readonly string[] Signs = ["can't allocate memory", "not enough memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "std::bad_alloc", "bad allocation"];

    /// <summary>Whether an exception means that memory ran out.</summary>
    public static bool Is(Exception exception)
        => exception is OutOfMemoryException
            || (exception is ExternalException && Signs.Any(sign => exception.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)));

    /// <summary>The error that the user sees.</summary>
    /// <param name="where">The stage and the batch.</param>
    /// <param name="exception">An exception that <see cref="Is"/> recognizes.</param>
    /// <param name="advice">Options to lower, with their present values.</param>
    public static MemoryException At(string where, Exception exception, string advice)
        => new($"{where}: out of memory ({Found(exception)}); {advice}", exception);

    // Torch's own message is not shown, because it includes a C++ stack trace.
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
