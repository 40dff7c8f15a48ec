using Pipeline.Stages.Gguf;

namespace Pipeline.Host.Tests.Gguf;

internal static class GgufValues
{
    /// <summary>Sets a value of any of the types that a file's metadata are read as.</summary>
    public static void SetAny(this GgufWriter writer, string key, object value)
    {
        switch (value)
        {
            case string text:
                writer.Set(key, text);
                break;
            case long number:
                writer.Set(key, number);
                break;
            case double number:
                writer.Set(key, number);
                break;
            case bool flag:
                writer.Set(key, flag);
                break;
            case string[] texts:
                writer.Set(key, texts);
                break;
            case long[] wholes:
                writer.Set(key, Array.ConvertAll(wholes, n => (int)n));
                break;
            case double[] numbers:
                writer.Set(key, Array.ConvertAll(numbers, n => (float)n));
                break;
        }
    }
}
