System.Console.WriteLine("knet");
